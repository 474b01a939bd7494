"""A failed run opens on its cause: one sentence, and where to do something about it."""

from pathlib import Path

import dagster as dg
import pytest

from assets.failures import here, told
from connectors.salesforce.auth import LoginRefused
from orchestration.executor import one_process
from sales.errors import UserError
from tests.temporary_instance import temporary_instance


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("... run `onpace report 2026-04 --fresh-extract`", "with fresh: true"),
        ("... run with --accept-vanished", "with accept_vanished: true"),
        ("run `onpace report MONTH --fresh-extract --reconstruct`", "with reconstruct: true"),
        ("nothing was published, run it again", "Jobs, restatement, the month."),
        (
            "look at it and run `onpace approve 2026-04`",
            "Jobs, release, the month, with your name.",
        ),
        ("run `onpace deliveries adopt 2026-04 --sent`", "On the machine that holds ONPACE_HOME"),
        ("fy2026.toml: unknown key", "Correct what the sentence names; then Re-execute"),
    ],
)
def test_what_to_do_is_said_for_where_one_is(sentence: str, place: str) -> None:
    assert place in here(sentence)


def test_a_fault_keeps_its_sentence_and_is_not_tried_again() -> None:
    fault = LoginRefused("acme refused the login")
    with pytest.raises(dg.Failure) as failure, told(dg.DagsterRun("month_end")):
        raise fault
    assert failure.value.description == "acme refused the login"
    assert not failure.value.allow_retries
    assert failure.value.__cause__ is fault, "the terminal says its sentence"


def test_what_to_do_names_the_job_that_failed() -> None:
    assert here("... run it with --fresh-extract", "month_end").startswith("Jobs, month_end,")
    assert here("... run it again", "__ASSET_JOB").startswith("Jobs, restatement,")


@dg.op
def broken() -> int:
    raise UserError("fy2026.toml: unknown key")


@dg.op
def depending(value: int) -> None:
    _ = value


@dg.job(executor_def=one_process)
def chain() -> None:
    first = broken()
    for n in range(3):
        depending.alias(f"depending_{n}")(first)


def test_nothing_red_follows_the_step_that_failed(tmp_path: Path) -> None:
    with temporary_instance(tmp_path) as instance:
        done = dg.execute_job(dg.reconstructable(chain_of_this_module), instance=instance)
        assert not done.success
        logged = instance.all_logs(done.run_id)
    red = [each for each in logged if each.level >= 40]  # logging.ERROR
    kinds = [each.dagster_event and each.dagster_event.event_type_value for each in red]
    assert kinds == ["STEP_FAILURE", "PIPELINE_FAILURE"]


def chain_of_this_module() -> dg.JobDefinition:
    return chain
