"""Who launched a run, and why, whatever its parent's tags were; and where a run of the terminal belongs."""

from pathlib import Path

import pytest

from orchestration.code_location import NAME, REPOSITORY, belonging_here
from orchestration.run_tags import WHO, WHY, of_command, of_run
from tests.orchestration.small_location import small
from tests.temporary_instance import temporary_instance


@pytest.mark.parametrize(
    ("tags", "who", "why"),
    [
        ({}, "UI", "launched by hand"),
        ({"dagster/schedule_name": "month_end_schedule"}, "schedule month_end_schedule", "due"),
        ({"dagster/sensor_name": "approved_month_ends"}, "sensor approved_month_ends", "waits"),
        ({"dagster/backfill": "abcdefgh"}, "UI", "backfill abcdefgh"),
        ({"dagster/parent_run_id": "0123456789"}, "UI", "again after run 01234567"),
    ],
)
def test_a_run_says_who_launched_it_and_why(tags: dict[str, str], who: str, why: str) -> None:
    told = of_run({WHO: "Ada on the command line", WHY: "onpace report 2026-04", **tags})
    assert told[WHO] == who
    assert why in told[WHY]


def test_a_command_says_which_it_is_also_where_the_user_has_no_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("uid 4711")))
    assert of_command("onpace report 2026-04") == {
        WHO: "somebody on the command line",
        WHY: "onpace report 2026-04",
    }


def test_a_run_of_this_process_belongs_to_the_code_location(tmp_path: Path) -> None:
    """Else it stands in no timeline, and executing it again is an error of the webserver."""
    with temporary_instance(tmp_path) as instance:
        done = small.execute_in_process(
            instance=belonging_here(instance, "small"), partition_key="2026-03"
        )
        run = instance.get_run_by_id(done.run_id)
    assert run is not None
    assert run.remote_job_origin is not None
    origin = run.remote_job_origin
    assert (origin.location_name, origin.job_name) == (NAME, "small")
    assert origin.repository_origin.repository_name == REPOSITORY
