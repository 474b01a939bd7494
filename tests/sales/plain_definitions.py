"""The definitions once more, one row at a time: slow, obvious, and without a line of the code that is judged by it.

Nothing here is imported from `sales`. Months are pairs (year, number), money is counted in cents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

YearMonth = tuple[int, int]


@dataclass
class Save:
    """A save of a deal; `cents` is none where the deal has no amount."""

    at: datetime
    stage: str
    cents: int | None
    close: date


@dataclass
class Deal:
    """A deal with all its saves, its owner before and after a change, its shares, and when it was deleted."""

    name: str
    created: datetime
    saves: list[Save]
    owner: str
    former_owner: str | None = None
    owner_changed: datetime | None = None
    shares: dict[str, Fraction] = field(default_factory=dict)
    shared_at: datetime | None = None
    deleted: datetime | None = None


@dataclass
class Line:
    """A line of the target book."""

    owner: str
    cents: int
    revision: int
    effective: date | None


@dataclass
class Firm:
    """An organisation, its book of one fiscal year, and its rules."""

    zone: str
    start_month: int
    named_by_end: bool
    is_overdue_counted: bool
    team_of: dict[str, str]
    deals: list[Deal]
    lines: list[Line]


def plus(month: YearMonth, months: int) -> YearMonth:
    """Return the month so many months later."""
    count = month[0] * 12 + month[1] - 1 + months
    return count // 12, count % 12 + 1


def first_day(month: YearMonth) -> date:
    """Return a month's first day."""
    return date(month[0], month[1], 1)


def month_of(day: date) -> YearMonth:
    """Return the month that holds a day."""
    return day.year, day.month


def as_of(firm: Firm, month: YearMonth) -> datetime:
    """Return the first local midnight after a month's last day, in UTC."""
    day = first_day(plus(month, 1))
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(firm.zone)).astimezone(UTC)


def year_of(firm: Firm, month: YearMonth) -> list[YearMonth]:
    """Return the twelve months of the fiscal year that holds a month."""
    start = month
    while start[1] != firm.start_month:
        start = plus(start, -1)
    return [plus(start, n) for n in range(12)]


def year_name(firm: Firm, month: YearMonth) -> str:
    """Return the fiscal year's name."""
    months = year_of(firm, month)
    return f"FY{months[-1 if firm.named_by_end else 0][0]}"


def quarter_of(firm: Firm, month: YearMonth) -> tuple[str, list[YearMonth]]:
    """Return name and months of the fiscal quarter that holds a month."""
    months = year_of(firm, month)
    number = months.index(month) // 3
    return f"{year_name(firm, month)}-Q{number + 1}", months[3 * number : 3 * number + 3]


def by_largest_remainder(total: int, weights: list[Fraction]) -> list[int]:
    """Split a total; what is left over goes to the largest remainders, ties to the earlier part."""
    sign, whole = (-1 if total < 0 else 1), sum(weights)
    exact = [abs(total) * each / whole for each in weights]
    parts = [each.numerator // each.denominator for each in exact]
    for _ in range(abs(total) - sum(parts)):
        rests = [one - part for one, part in zip(exact, parts, strict=True)]
        parts[rests.index(max(rests))] += 1
    return [sign * each for each in parts]


@dataclass
class State:
    """What was known of a deal."""

    stage: str
    cents: int | None
    close: date
    credit: dict[str, int | None]

    @property
    def is_open(self) -> bool:
        """Whether it is undecided."""
        return self.stage not in {"Won", "Lost"}


def state(firm: Firm, deal: Deal, month: YearMonth) -> State | None:
    """Return what was known of a deal at a month's end, none where it did not exist."""
    instant = as_of(firm, month)
    if deal.created >= instant or (deal.deleted is not None and deal.deleted < instant):
        return None
    ordered = sorted(deal.saves, key=lambda each: each.at)
    before = [each for each in ordered if each.at < instant]
    known = before[-1] if before else ordered[0]
    owner = deal.owner
    if deal.owner_changed is not None and deal.owner_changed >= instant:
        owner = str(deal.former_owner)
    shares = deal.shares if deal.shared_at is not None and deal.shared_at < instant else {}
    if not shares:
        credit: dict[str, int | None] = {owner: known.cents}
    elif known.cents is None:
        credit = dict.fromkeys(sorted(shares))
    else:
        names = sorted(shares)
        parts = by_largest_remainder(known.cents, [shares[name] for name in names])
        credit = dict(zip(names, parts, strict=True))
    return State(known.stage, known.cents, known.close, credit)


def states(firm: Firm, month: YearMonth) -> dict[str, State]:
    """Return all deals that existed at a month's end."""
    found = {deal.name: state(firm, deal, month) for deal in firm.deals}
    return {name: each for name, each in found.items() if each is not None}


def ids_of(firm: Firm, owner: str) -> list[tuple[str, str]]:
    """Return a person, their team and the company, as the tables call them."""
    return [("person", owner), ("team", firm.team_of[owner]), ("company", "Acme")]


def counts_in(firm: Firm, each: State, month: YearMonth) -> YearMonth | None:
    """Return the month in whose period an open deal is pipeline, none for an overdue one that is in none."""
    today = first_day(plus(month, 1))
    if each.close < today:
        return plus(month, 1) if firm.is_overdue_counted else None
    return month_of(each.close)


def bookings(firm: Firm, month: YearMonth, months: list[YearMonth]) -> dict[tuple[str, str], int]:
    """Return what everybody booked in some months, as known at a month's end."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for each in states(firm, month).values():
        if each.stage == "Won" and month_of(each.close) in months:
            for owner, cents in each.credit.items():
                for key in ids_of(firm, owner):
                    found[key] += cents or 0
    return found


def open_pipeline(
    firm: Firm, month: YearMonth, months: list[YearMonth]
) -> dict[tuple[str, str], int]:
    """Return everybody's open pipeline of a period."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for each in states(firm, month).values():
        if each.is_open and counts_in(firm, each, month) in months:
            for owner, cents in each.credit.items():
                for key in ids_of(firm, owner):
                    found[key] += cents or 0
    return found


def open_count(firm: Firm, month: YearMonth, months: list[YearMonth]) -> dict[tuple[str, str], int]:
    """Return how many different open deals everybody has in a period."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, each in states(firm, month).items():
        if each.is_open and counts_in(firm, each, month) in months:
            for owner in each.credit:
                for key in ids_of(firm, owner):
                    found[key].add(name)
    return {key: len(names) for key, names in found.items()}


def overdue(firm: Firm, month: YearMonth) -> dict[tuple[str, str], int]:
    """Return everybody's open money whose close date has passed."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for each in states(firm, month).values():
        if each.is_open and each.close < first_day(plus(month, 1)):
            for owner, cents in each.credit.items():
                for key in ids_of(firm, owner):
                    found[key] += cents or 0
    return found


def plan(firm: Firm, owner: str, month: YearMonth) -> list[int] | None:
    """Return a person's twelve months as planned at a month's end: evenly, revisions ahead."""
    months = year_of(firm, month)
    year_begins, last_day = first_day(months[0]), first_day(plus(month, 1)) - timedelta(days=1)
    known = [
        line
        for line in sorted(firm.lines, key=lambda line: line.revision)
        if line.owner == owner
        and (line.effective is None or line.effective <= last_day or line.effective == year_begins)
    ]
    planned: list[int] | None = None
    for line in known:
        begins = line.effective or date.min
        later = [other for other in known if other.revision > line.revision]
        if any((other.effective or date.min) <= begins for other in later):
            continue  # a later revision took its place at once
        whole = by_largest_remainder(line.cents, [Fraction(1)] * 12)
        if planned is None or begins <= year_begins:
            planned = whole
            continue
        kept = min(months.index(month_of(begins)) + 1, 11)
        rest = line.cents - sum(planned[:kept])
        if rest < 0:
            planned = whole
        else:
            ahead = by_largest_remainder(rest, [Fraction(1)] * (12 - kept))
            planned = planned[:kept] + ahead
    return planned


def targets(firm: Firm, month: YearMonth, months: list[YearMonth]) -> dict[tuple[str, str], int]:
    """Return everybody's planned target of some months."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    year = year_of(firm, month)
    for owner in firm.team_of:
        planned = plan(firm, owner, month)
        for each, cents in zip(year, planned or [], strict=False):
            if each in months:
                for key in ids_of(firm, owner):
                    found[key] += cents
    return found


COLUMNS = [
    "opening",
    "created",
    "moved_in",
    "reassigned_in",
    "reopened",
    "increased",
    "decreased",
    "moved_out",
    "reassigned_out",
    "won",
    "lost",
    "deleted",
    "closing",
]


def movement(
    firm: Firm, month: YearMonth, months: list[YearMonth]
) -> dict[tuple[str, str], dict[str, int]]:
    """Return why everybody's open pipeline of a period changed since the month before."""
    before, after = states(firm, plus(month, -1)), states(firm, month)
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    for name in {*before, *after}:
        was, now = before.get(name), after.get(name)
        had, has = _held(firm, was), _held(firm, now)
        was_in = was is not None and was.is_open and counts_in(firm, was, plus(month, -1)) in months
        is_in = now is not None and now.is_open and counts_in(firm, now, month) in months
        for key in {*had, *has}:
            for column, cents in _moves(was, now, had.get(key), has.get(key), was_in, is_in):
                found[key][column] += cents
    return found


def _held(firm: Firm, each: State | None) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for owner, cents in each.credit.items() if each else ():
        for key in ids_of(firm, owner):
            found[key] += cents or 0
    return found


def _moves(
    was: State | None,
    now: State | None,
    had: int | None,
    has: int | None,
    was_in: bool,  # noqa: FBT001
    is_in: bool,  # noqa: FBT001
) -> Iterator[tuple[str, int]]:
    started, ended = was_in and had is not None, is_in and has is not None
    if started:
        yield "opening", had or 0
    if ended:
        yield "closing", has or 0
    if started and ended:
        yield from _change((has or 0) - (had or 0))
    elif ended:
        yield _arrival(was, had), has or 0
    elif started and now is not None and not now.is_open:
        final = has if has is not None else _their_part(was, now, had or 0)
        yield "won" if now.stage == "Won" else "lost", final
        yield from _change(final - (had or 0))
    elif started:
        yield _departure(now, has), had or 0


def _arrival(was: State | None, had: int | None) -> str:
    if was is None:
        return "created"
    if not was.is_open:
        return "reopened"
    return "reassigned_in" if had is None else "moved_in"


def _departure(now: State | None, has: int | None) -> str:
    if now is None:
        return "deleted"
    return "reassigned_out" if has is None else "moved_out"


def _their_part(was: State | None, now: State, had: int) -> int:
    """Return what the part of somebody who has none any more would have come to."""
    whole, final = (was.cents if was else None) or 0, now.cents or 0
    return round(Fraction(final * had, whole)) if whole else final


def _change(cents: int) -> Iterator[tuple[str, int]]:
    if cents:
        yield ("increased" if cents > 0 else "decreased"), abs(cents)
