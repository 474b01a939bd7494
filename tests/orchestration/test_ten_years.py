"""Ten years of month ends in five places: each is launched once, on its working day, whatever the machine did."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import dagster as dg
import holidays
import pytest

from orchestration import schedules
from orchestration.schedules import CATCH_UP_WITHIN, due_at, month_end_schedule
from sales.calendar import Month
from sales.policy.sections import InvalidPolicy

FIRST, MONTHS = Month(2025, 1), 120
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Place:
    """Where a company is: the part of the workspace that the schedule asks."""

    country: str
    time_zone: str
    working_day: int
    at: str

    @property
    def policies(self) -> SimpleNamespace:
        return SimpleNamespace(newest=SimpleNamespace(delivery=SimpleNamespace(time=self.at)))

    def policy_of(self, _: Month) -> SimpleNamespace:
        return SimpleNamespace(
            phasing=SimpleNamespace(holidays=self.country),
            delivery=SimpleNamespace(working_day=self.working_day),
        )


PLACES = [
    Place("GB", "Europe/London", 3, "07:00"),
    Place("US", "America/New_York", 8, "18:30"),
    Place("AE", "Asia/Dubai", 1, "00:00"),
    Place("NP", "Asia/Kathmandu", 5, "06:10"),
    Place("NZ", "Pacific/Chatham", 2, "02:45"),  # clocks are set at 02:45 and 03:45 there
]


@dataclass
class Runs:
    """What Dagster knows of runs: those of the schedule, of people, and the month ends that went out, all of them good."""

    scheduled: list[Month] = field(default_factory=list)
    by_hand: list[Month] = field(default_factory=list)
    delivered: list[Month] = field(default_factory=list)

    def get_runs(self, filters: dg.RunsFilter) -> Sequence[SimpleNamespace]:
        wanted = filters.tags["dagster/partition"]
        schedule = {"dagster/schedule_name": "month_end_schedule"}
        return [
            SimpleNamespace(job_name="month_end", tags=tags, status=dg.DagsterRunStatus.SUCCESS)
            for months, tags in ((self.scheduled, schedule), (self.by_hand, {}))
            for month in months
            if str(month) == wanted
        ]

    def get_run_records(self, _: dg.RunsFilter) -> Sequence[SimpleNamespace]:
        return []


def ticks(due: Mapping[Month, datetime]) -> Iterator[datetime]:
    """Yield quarters of an hour: all of them around an instant that something is due, and two of each day."""
    near = {_quarter(at) + n * QUARTER for at in due.values() for n in range(-4, 8)}
    start = min(due.values()) - timedelta(days=2)
    days = (datetime.combine(start.date(), time(11), UTC) + timedelta(days=n) for n in range(3700))
    return iter(sorted(near | {each + n * timedelta(hours=12) for each in days for n in (0, 1)}))


def _quarter(at: datetime) -> datetime:
    moment = at.astimezone(UTC)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def asked(moment: datetime, runs: Runs) -> object:
    context = SimpleNamespace(scheduled_execution_time=moment, instance=runs)
    return month_end_schedule._execution_fn.decorated_fn(context)  # type: ignore[union-attr]


def nth_working_day(month: Month, place: Place) -> date:
    """Count working days as one would with a calendar on the wall."""
    off = holidays.country_holidays(place.country)
    day, count = month.plus(1).first_day, 0
    while True:
        count += off.is_working_day(day)
        if count == place.working_day:
            return day
        day += timedelta(days=1)


@pytest.mark.parametrize("place", PLACES, ids=[each.country for each in PLACES])
def test_each_month_end_is_launched_once_on_its_day(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "make_workspace", lambda: place)
    months = [FIRST.plus(n) for n in range(MONTHS)]
    due = {month: due_at(place, month) for month in months}  # type: ignore[arg-type]
    for month, at in due.items():
        local = at.astimezone(ZoneInfo(place.time_zone))
        assert local.date() == nth_working_day(month, place)
        assert at.replace(tzinfo=None).time() == time.fromisoformat(place.at)

    chance, runs = random.Random(place.country), Runs()  # noqa: S311
    monkeypatch.setattr(schedules, "is_delivered", lambda month: month in runs.delivered)
    off_until = by_hand = datetime.min.replace(tzinfo=UTC)
    for moment in ticks(due):
        if moment < off_until:
            continue
        if chance.random() < 0.002:  # the machine is off for up to a fortnight
            off_until = moment + chance.random() * (CATCH_UP_WITHIN - timedelta(days=1))
            continue
        last = Month.of(moment.astimezone(ZoneInfo(place.time_zone)).date()).plus(-1)
        if last in due and last not in runs.delivered and chance.random() < 0.03:
            runs.by_hand.append(last)  # somebody launches it by hand, early; it waits
            if chance.random() < 0.5:  # and somebody approves
                runs.delivered.append(last)
                by_hand = moment
        answer = asked(moment, runs)
        if isinstance(answer, dg.RunRequest):
            month = Month.parse(str(answer.partition_key))
            assert due.get(month, moment) <= moment
            is_first_chance = moment - due.get(month, moment) < QUARTER
            assert is_first_chance or moment - off_until < timedelta(hours=13) or by_hand == moment
            runs.scheduled.append(month)
            runs.delivered.append(month)
    ours = [month for month in runs.delivered if month in due]
    assert ours == months, "each once, in order"
    assert set(runs.by_hand) & set(runs.scheduled), "one that waited stood for none"


def test_a_damaged_policy_is_an_error_and_not_another_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In New York, UTC would mail at two in the morning."""
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "fy2026.toml").write_text('[fiscal]\ntime_zone = "America/New_York"\n[delivery')
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONPACE_POLICY", str(policy))
    with pytest.raises(InvalidPolicy, match="fy2026.toml is not valid TOML"):
        asked(datetime(2026, 11, 4, 12, tzinfo=UTC), Runs())
    with pytest.raises(InvalidPolicy, match="fy2026.toml is not valid TOML"):
        list(schedules.due_days(Month(2026, 10), 1))
