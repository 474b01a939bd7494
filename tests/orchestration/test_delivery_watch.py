"""Month ends that were due and are not there are noticed, whatever was made of other months."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from connectors.delivery.ledger import Status
from connectors.delivery.mailer import MAIL, REHEARSAL, SendResult
from connectors.delivery.smtp import MailUnusable
from connectors.storage.files import write_atomically
from orchestration import delivery_watch as deadlines
from orchestration.definitions import defs
from orchestration.resources import make_delivery_service
from orchestration.schedules import month_end_schedule
from sales.calendar import Month
from tests.temporary_instance import temporary_instance

APRIL, MAY, JUNE = Month(2026, 4), Month(2026, 5), Month(2026, 6)


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    (tmp_path / "dagster").mkdir()
    return temporary_instance(tmp_path / "dagster")


HandOver = Callable[[Month, datetime], None]


@pytest.fixture
def hand_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandOver:
    """Return how a month is handed over to the outbox of a home of its own, at an instant."""
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))

    def hand_over(month: Month, at: datetime) -> None:
        path = tmp_path / "home" / "outbox" / str(month) / "manifest.json"
        write_atomically(path, b"{}")
        os.utime(path, (at.timestamp(), at.timestamp()))

    return hand_over


def at(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc]


def test_a_month_that_nobody_launched_is_missing_a_day_after_it_was_due(
    hand_over: HandOver, instance: dg.DagsterInstance
) -> None:
    """June 2026 is due in London on Friday the 3rd of July at 07:00."""
    hand_over(APRIL, at(2026, 5, 6, 7))
    hand_over(MAY, at(2026, 6, 3, 7))
    assert deadlines.missing(instance, at(2026, 7, 3, 12)) == []
    assert deadlines.missing(instance, at(2026, 7, 4, 7)) == [JUNE]
    assert deadlines.missing(instance, at(2026, 8, 1, 7)) == [JUNE], (
        "the next month does not hide it"
    )


def test_a_later_month_that_was_delivered_hides_no_earlier_one(
    hand_over: HandOver, instance: dg.DagsterInstance
) -> None:
    hand_over(APRIL, at(2026, 5, 6, 7))
    hand_over(JUNE, at(2026, 7, 3, 7))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [MAY]


def test_an_old_month_that_was_sent_lately_makes_nobody_wait_for_those_between(
    hand_over: HandOver, instance: dg.DagsterInstance
) -> None:
    hand_over(Month(2025, 3), at(2026, 6, 20))
    assert deadlines.missing(instance, at(2026, 7, 2, 7)) == []
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [JUNE]


def test_nobody_waits_for_a_month_where_nothing_was_ever_delivered_and_the_schedule_is_off(
    hand_over: HandOver, instance: dg.DagsterInstance
) -> None:
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []
    hand_over(JUNE, at(2026, 7, 3, 7))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []


def test_with_the_schedule_on_months_are_due_from_then_on(
    hand_over: HandOver, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hand_over
    monkeypatch.setattr(deadlines, "switched_on", lambda _: at(2026, 6, 20))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [JUNE]
    assert deadlines.missing(instance, at(2026, 8, 1, 7)) == [JUNE], (
        "a month that is over does not make it right"
    )
    monkeypatch.setattr(deadlines, "switched_on", lambda _: at(2026, 7, 10))
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []


def test_a_month_whose_mail_waits_is_not_delivered_and_a_rehearsal_is_none(
    hand_over: HandOver, instance: dg.DagsterInstance
) -> None:
    hand_over(MAY, at(2026, 6, 3, 7))
    hand_over(JUNE, at(2026, 7, 3, 7))
    ledger = make_delivery_service().ledger
    planned = ledger.plan(
        str(JUNE),
        MAIL,
        [
            ("ann@acme.example", "company.pdf", "a" * 64),
            ("bob@acme.example", "company.pdf", "a" * 64),
        ],
    )
    rehearsed = ledger.plan("2026-03", REHEARSAL, [("me@acme.example", "company.pdf", "b" * 64)])
    ledger.note(list(rehearsed.values()), Status.SENT)
    one, other = planned.values()
    ledger.note([one], Status.SENT)
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == [JUNE]
    ledger.note([other], Status.REFUSED)
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []
    ledger.plan(
        str(JUNE), MAIL, [("ann@acme.example", "company.pdf", "c" * 64)]
    )  # a revision that nobody asked to send
    assert deadlines.missing(instance, at(2026, 7, 20, 7)) == []


def test_dagster_says_since_when_the_schedule_is_on(instance: dg.DagsterInstance) -> None:
    repository = defs.get_repository_def()
    assert deadlines.switched_on(instance) is None
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorType,
        ScheduleInstigatorData,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file=__file__))
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(location, repository.name), month_end_schedule.name
    )
    data = ScheduleInstigatorData(
        str(month_end_schedule.cron_schedule), start_timestamp=at(2026, 6, 20).timestamp()
    )
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
    )
    assert deadlines.switched_on(instance) == at(2026, 6, 20)


def test_missing_months_are_told_once_and_the_check_says_so(
    hand_over: HandOver, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    del hand_over
    told: list[tuple[str, str, str]] = []

    is_up = [False]

    class Room:
        unheard = ""

        def tell(self, subject: str, text: str) -> None:
            told.append(("channel", subject, text))

        def write(self, month: Month, subject: str, text: str) -> SendResult:
            if not is_up[0]:
                raise MailUnusable("the server does not answer")
            told.append((str(month), subject, text))
            return SendResult()

    monkeypatch.setattr(deadlines, "make_delivery_service", Room)
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
    is_up[0] = True
    tick()
    assert isinstance(tick(), dg.SkipReason)
    assert [(to, subject) for to, subject, _ in told] == [
        ("channel", "2 month ends were not delivered"),
        ("2026-06", "2 month ends were not delivered"),
    ]
    assert all(
        "2026-05, 2026-06 were due and not delivered: launch month_end for each" in text
        for _, _, text in told
    )
    state["missing"] = [JUNE]  # one of them was sent: nobody needs to hear of the other again
    tick()
    state["missing"] = []
    recovered = tick()
    assert isinstance(recovered, dg.SensorResult)
    assert [event.passed for event in recovered.asset_events] == [True]  # type: ignore[union-attr]
    assert len(told) == 2


def test_an_alarm_that_reaches_nobody_says_so(
    hand_over: HandOver, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A green tick would be believed."""
    hand_over(JUNE, at(2026, 7, 3, 7))
    for name in ("SMTP_HOST", "SLACK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert "an alarm reaches nobody: set SMTP_HOST" in make_delivery_service().unheard
    monkeypatch.setattr(deadlines, "missing", lambda *_: [])
    looked = deadlines.undelivered_month_ends(dg.build_sensor_context(instance=instance))
    assert isinstance(looked, dg.SensorResult)
    (check,) = looked.asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert "every month end that was due was delivered; an alarm reaches nobody" in str(
        check.description
    )


def test_watchers_are_on_from_the_start_and_what_mails_people_is_not() -> None:
    repository = defs.get_repository_def()
    assert {each.name: each.default_status.value for each in repository.sensor_defs} == {
        "approved_month_ends": "RUNNING",
        "failed_month_end": "RUNNING",
        "undelivered_month_ends": "RUNNING",
        "waiting_runs": "RUNNING",
        "failed_flash": "RUNNING",
    }
    assert {each.default_status.value for each in repository.schedule_defs} == {"STOPPED"}


def test_the_mailroom_of_a_home_knows_what_was_delivered(
    hand_over: HandOver, tmp_path: Path
) -> None:
    hand_over(MAY, at(2026, 6, 3, 7))
    (tmp_path / "home" / "outbox" / "notes").mkdir()
    assert make_delivery_service().deliveries() == {MAY: (True, at(2026, 6, 3, 7))}
