"""A failed run opens on its cause: one sentence, and where to do something about it."""

from pathlib import Path

import dagster as dg
import pytest

from assets.extract import salesforce_extract
from assets.failures import here, told
from connectors.salesforce.auth import LoginRefused
from connectors.salesforce.refusals import SalesforceUnavailable
from orchestration.executor import one_process
from sales.errors import UserError

SCHEDULED = {"dagster/schedule_name": "month_end_schedule"}


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


@pytest.mark.parametrize(
    ("fault", "tags", "is_tried_again"),
    [
        (SalesforceUnavailable("acme did not answer"), SCHEDULED, True),
        (SalesforceUnavailable("acme did not answer"), {}, False),
        (LoginRefused("acme refused the login"), SCHEDULED, False),
    ],
)
def test_only_an_outage_is_tried_again_and_only_where_nobody_waits(
    fault: UserError, tags: dict[str, str], *, is_tried_again: bool
) -> None:
    with pytest.raises(dg.Failure) as failure, told(dg.DagsterRun("month_end", tags=tags)):
        raise fault
    assert failure.value.description == str(fault)
    assert failure.value.allow_retries == is_tried_again
    assert failure.value.__cause__ is fault, "the terminal says its sentence"


def test_the_morning_is_long_enough() -> None:
    policy = salesforce_extract.op.retry_policy
    assert policy is not None
    assert policy.max_retries * (policy.delay or 0) == 4 * 60 * 60


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
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        done = dg.execute_job(dg.reconstructable(chain_of_this_module), instance=instance)
        assert not done.success
        logged = instance.all_logs(done.run_id)
    red = [each for each in logged if each.level >= 40]  # logging.ERROR
    kinds = [each.dagster_event and each.dagster_event.event_type_value for each in red]
    assert kinds == ["STEP_FAILURE", "PIPELINE_FAILURE"]


def chain_of_this_module() -> dg.JobDefinition:
    return chain
