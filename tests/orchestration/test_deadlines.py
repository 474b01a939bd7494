"""Month ends that were due and are not there are noticed, whatever was made of other months."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from connectors.files import write_atomically
from orchestration import deadlines
from orchestration.definitions import defs
from orchestration.resources import make_mailroom
from orchestration.schedules import month_end_schedule
from sales.calendar import Month

APRIL, MAY, JUNE = Month(2026, 4), Month(2026, 5), Month(2026, 6)


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    (tmp_path / "dagster").mkdir()
    return dg.DagsterInstance.local_temp(str(tmp_path / "dagster"))


@pytest.fixture
def hand_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Month], None]:
    """Return how a month is handed over to the outbox of a home of its own."""
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    return lambda month: write_atomically(tmp_path / "home" / "outbox" / str(month) / "manifest.json", b"{}")


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc]


def test_a_month_that_nobody_launched_is_missing_a_day_after_it_was_due(hand_over: Callable[[Month], None], instance: dg.DagsterInstance) -> None:
    """June 2026 is due in London on Friday the 3rd of July at 07:00."""
    hand_over(APRIL)
    hand_over(MAY)
    assert deadlines.missing(instance, at(2026, 7, 3, 12)) == []
    assert deadlines.missing(instance, at(2026, 7, 4, 7)) == [JUNE]


def test_a_later_month_that_was_delivered_hides_no_earlier_one(hand_over: Callable[[Month], None], instance: dg.DagsterInstance) -> None:
    hand_over(APRIL)
    hand_over(JUNE)
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [MAY]


def test_nobody_waits_for_a_month_where_nothing_was_ever_delivered_and_the_schedule_is_off(
    hand_over: Callable[[Month], None], instance: dg.DagsterInstance
) -> None:
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []
    hand_over(JUNE)
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []


def test_with_the_schedule_on_months_are_due_from_then_on(
    hand_over: Callable[[Month], None], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hand_over
    monkeypatch.setattr(deadlines, "_switched_on", lambda _: at(2026, 6, 20))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [JUNE]
    monkeypatch.setattr(deadlines, "_switched_on", lambda _: at(2026, 7, 10))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []


def test_dagster_says_since_when_the_schedule_is_on(instance: dg.DagsterInstance) -> None:
    repository = defs.get_repository_def()
    assert deadlines._switched_on(instance) is None
    from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
    from dagster._core.scheduler.instigation import InstigatorState, InstigatorType, ScheduleInstigatorData
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file=__file__))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, repository.name), month_end_schedule.name)
    data = ScheduleInstigatorData(str(month_end_schedule.cron_schedule), start_timestamp=at(2026, 6, 20).timestamp())
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data))
    assert deadlines._switched_on(instance) == at(2026, 6, 20)


def test_missing_months_are_told_once_and_the_check_says_so(
    hand_over: Callable[[Month], None], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hand_over
    told: list[tuple[str, str, str]] = []

    class Room:
        def notify(self, month: Month, subject: str, text: str) -> None:
            told.append((str(month), subject, text))

    monkeypatch.setattr(deadlines, "make_mailroom", Room)
    state: dict[str, object] = {"missing": [MAY, JUNE], "cursor": None}
    monkeypatch.setattr(deadlines, "missing", lambda *_: state["missing"])

    def tick() -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(instance=instance, cursor=state["cursor"])  # type: ignore[arg-type]
        result = deadlines.undelivered_month_ends(context)
        if isinstance(result, dg.SensorResult):
            state["cursor"] = result.cursor
        return result

    first = tick()
    assert isinstance(first, dg.SensorResult)
    (check,) = first.asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert (check.passed, check.check_name) == (False, "every_month_end_was_delivered")
    assert isinstance(tick(), dg.SkipReason)
    ((month, subject, text),) = told
    assert (month, subject) == ("2026-06", "2 month ends were not delivered")
    assert "2026-05, 2026-06 were due and not delivered: launch month_end for each" in text
    state["missing"] = []
    recovered = tick()
    assert isinstance(recovered, dg.SensorResult)
    assert [event.passed for event in recovered.asset_events] == [True]  # type: ignore[union-attr]
    assert len(told) == 1


def test_watchers_are_on_from_the_start_and_what_mails_people_is_not() -> None:
    repository = defs.get_repository_def()
    assert {each.name: each.default_status.value for each in repository.sensor_defs} == {
        "failed_month_end": "RUNNING",
        "undelivered_month_ends": "RUNNING",
    }
    assert [each.default_status.value for each in repository.schedule_defs] == ["STOPPED"]


def test_the_mailroom_of_a_home_knows_what_was_delivered(hand_over: Callable[[Month], None], tmp_path: Path) -> None:
    hand_over(MAY)
    (tmp_path / "home" / "outbox" / "notes").mkdir()
    assert make_mailroom().delivered() == {MAY}
