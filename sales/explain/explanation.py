"""Where a figure comes from: what each column of attainment and coverage is made of, and that it adds up.

Put here how a column comes about, in words and worked out; the rows behind it are `evidence`. An
explanation that does not come to what was published is a fault, and never returned.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isclose

from sales.calendar import Month, Period
from sales.coverage.coverage import CRM_FORECASTS
from sales.explain.evidence import DoesNotAddUp, Evidence, EvidenceGroup, Record, period_called
from sales.explain.forecast_evidence import Needed
from sales.vocabulary import TargetStatus

ATTAINMENT, COVERAGE = "target_attainment", "pipeline_coverage"
Value = Decimal | int | float | str | None
# Ratios are divided in floats, by two ways that may differ in the last bits.
SAME = 1e-9
# Plain numbers are stored with six decimals.
STORED = 0.51e-6


@dataclass(frozen=True)
class Rule:
    """How a column comes about, the published columns it reads, and the piles that list it."""

    words: str
    reads: tuple[str, ...]
    groups: tuple[str, ...]


STATUS = "no_target where the target is 0, covered where bookings have reached it, else ok"
NEEDED = (
    "(remaining_target - N) / c / remaining_target, where c is the part of the open pipeline that was booked and N what else was booked, "
    "measured at past month ends that stood as far from a period's end, and pulled towards the company where little was seen"
)
OPEN = "open_pipeline"
IN_PERIOD = "opportunities that are open at the month end and close in the period"
RULES: dict[str, dict[str, Rule]] = {
    ATTAINMENT: {
        "target": Rule(
            "sum of the baseline targets of the months so far",
            ("phased_targets.baseline_target",),
            ("targets",),
        ),
        "rephased_target": Rule(
            "sum of the re-phased targets of the months so far",
            ("phased_targets.rephased_target",),
            ("targets",),
        ),
        "bookings": Rule(
            "sum of the credit for deals won by the month end that close in the months so far",
            ("booking_credit.amount",),
            ("bookings",),
        ),
        "variance": Rule("bookings - target", ("bookings", "target"), ("targets", "bookings")),
        "attainment_pct": Rule(
            "bookings / target x 100; empty where the target is 0",
            ("bookings", "target"),
            ("targets", "bookings"),
        ),
        "status": Rule(STATUS, ("bookings", "target"), ("targets", "bookings")),
        "last_year": Rule(
            "sum of the credit for deals won by the month end that close in the same months a year before; empty where the first won deal is later",
            ("booking_credit.amount",),
            (),
        ),
    },
    COVERAGE: {
        "target": Rule(
            "sum of the baseline targets of the whole period",
            ("phased_targets.baseline_target",),
            ("targets",),
        ),
        "bookings": Rule(
            "sum of the credit for deals won by the month end that close in the period",
            ("booking_credit.amount",),
            ("bookings",),
        ),
        "remaining_target": Rule(
            "target - bookings, never below 0", ("target", "bookings"), ("targets", "bookings")
        ),
        "open_pipeline": Rule(
            f"sum of the amounts of {IN_PERIOD}", ("opportunity_snapshot.amount",), (OPEN,)
        ),
        "open_count": Rule(
            f"number of {IN_PERIOD}, those without an amount too",
            ("opportunity_snapshot.opportunity_id",),
            (OPEN,),
        ),
        "without_amount_count": Rule(
            "number of these without an amount", ("opportunity_snapshot.amount",), (OPEN,)
        ),
        "stage_weighted_pipeline": Rule(
            "sum of amount x the CRM's own probability, each deal rounded to the cent",
            ("opportunity_snapshot.amount", "opportunity_snapshot.probability_pct"),
            (OPEN,),
        ),
        "weighted_pipeline": Rule(
            "sum of amount x the forecast's chance to be booked in the period, each deal rounded to the cent; empty with too little history",
            ("opportunity_snapshot.amount", "the forecast"),
            (OPEN,),
        ),
        "overdue_pipeline": Rule(
            "sum of the amounts of all open opportunities whose close date has passed, whatever the period",
            ("opportunity_snapshot.amount", "opportunity_snapshot.close_date"),
            ("overdue",),
        ),
        "coverage_ratio": Rule(
            "open_pipeline / remaining_target; empty where nothing remains or there is no target",
            (OPEN, "remaining_target"),
            (OPEN, "targets", "bookings"),
        ),
        "required_ratio": Rule(
            f"by the forecast: {NEEDED}",
            ("remaining_target", "the forecast"),
            ("targets", "bookings"),
        ),
        "status": Rule(STATUS, ("bookings", "target"), ("targets", "bookings")),
        "required_ratio_low": Rule(
            "lower end of the 80 % interval of required_ratio, by leaving out one past month end at a time",
            ("the forecast",),
            (),
        ),
        "required_ratio_high": Rule("upper end of the same interval", ("the forecast",), ()),
        "required_windows": Rule(
            "number of past month ends that required_ratio rests on", ("the forecast",), ()
        ),
        "commit_forecast": Rule(
            f"bookings + the amounts of {IN_PERIOD} that the CRM calls Commit",
            ("bookings", OPEN, "opportunity_snapshot.forecast_category"),
            ("bookings", OPEN),
        ),
        "best_case_forecast": Rule(
            f"bookings + the amounts of {IN_PERIOD} that the CRM calls Commit, Most Likely or Best Case",
            ("bookings", OPEN, "opportunity_snapshot.forecast_category"),
            ("bookings", OPEN),
        ),
    },
}
# The figures that are sums over the lines of a pile.
SUMS = {
    "targets": ("target", "rephased_target"),
    "bookings": ("bookings",),
    "open_pipeline": (
        "open_count",
        "without_amount_count",
        "open_pipeline",
        "stage_weighted_pipeline",
        "weighted_pipeline",
    ),
    "overdue": ("overdue_pipeline",),
}
FORECAST = {column for column, rule in RULES[COVERAGE].items() if "the forecast" in rule.reads}
WORKED = {
    "variance": "{bookings} - {target}",
    "attainment_pct": "{bookings} / {target} x 100",
    "remaining_target": "max({target} - {bookings}, 0)",
    "coverage_ratio": "{open_pipeline} / {remaining_target}",
    "status": "target {target}, bookings {bookings}",
    "required_ratio": "max({remaining_target} - N {N}, 0) / c {c} / {remaining_target}, at {required_windows} past month ends",
}


@dataclass(frozen=True)
class Figure:
    """A figure, how it comes about in words, the same with its numbers put in, and the piles that list it.

    `is_checked` is false where a forecast made it and none was given to make it again.
    """

    column: str
    value: Value
    words: str
    worked: str
    groups: tuple[str, ...]
    is_checked: bool


@dataclass(frozen=True)
class Explanation:
    """Where the figures of one row come from; every sum in it was found equal to what was published."""

    table: str
    grain: str
    grain_id: str
    period: Period
    month: Month
    figures: Sequence[Figure]
    groups: Sequence[EvidenceGroup]

    def sums(self, group: EvidenceGroup) -> list[Figure]:
        """Return the figures that are sums over the lines of a pile; an empty figure is no sum."""
        return [
            figure
            for figure in self.figures
            if figure.column in SUMS[group.name] and figure.value is not None
        ]


def explain(evidence: Evidence, table: str, row: Record, wanted: Sequence[str] = ()) -> Explanation:
    """Return where the figures of a published row come from, all or those wanted; raises `DoesNotAddUp`."""
    rules = {
        column: rule
        for column, rule in RULES[table].items()
        # A table of an earlier version has fewer columns.
        if column in row and (column in wanted or not wanted)
    }
    whole = period_called(evidence.rules.calendar, row["period_kind"], row["period"])
    period = whole.until(evidence.month) if table == ATTAINMENT else whole
    of = (row["grain"], row["grain_id"])
    groups, needed = [evidence.targets(period, *of), evidence.bookings(period, *of)], None
    if table == ATTAINMENT:
        found = _attained(*groups)
        found["last_year"] = evidence.booked_a_year_before(period, *of)
    else:
        groups += [evidence.open_pipeline(period, *of), evidence.overdue(*of)]
        found = _covered(*groups)
        if evidence.forecast_evidence:
            target = groups[0].total("target")
            remaining = max(target - groups[1].total("bookings"), Decimal(0))
            remaining = remaining if target else Decimal(0)
            needed = evidence.forecast_evidence.needed(period, *of, remaining)
            found |= _foreseen(needed, remaining, groups[2], has_chances=evidence.has_chances)
    _compare(
        {
            column: found[column]
            for column in behind(table, rules)
            if column in found and column in row
        },
        table,
        row,
        evidence.month,
    )
    say = _said(row, needed)
    figures = [
        Figure(
            column,
            row[column],
            _words(rule, column, evidence),
            _worked(column, row, say),
            rule.groups,
            is_checked=column in found,
        )
        for column, rule in rules.items()
    ]
    return Explanation(
        table,
        *of,
        period,
        evidence.month,
        figures,
        [group for group in groups if any(group.name in each.groups for each in figures)],
    )


def behind(table: str, wanted: Iterable[str]) -> set[str]:
    """Return columns with those that they are computed from."""
    known, found, left = RULES[table], set[str](), list(wanted)
    while left:
        column = left.pop()
        found.add(column)
        left += [each for each in known[column].reads if each in known and each not in found]
    return found


def _attained(targets: EvidenceGroup, bookings: EvidenceGroup) -> dict[str, Value]:
    """Return what the figures must be, from the lines alone."""
    target, booked = targets.total("target"), bookings.total("bookings")
    return {
        "target": target,
        "rephased_target": targets.total("rephased_target"),
        "bookings": booked,
        "variance": booked - target,
        "attainment_pct": float(booked * 100 / target) if target else None,
        "status": _status(target, booked),
    }


def _covered(
    targets: EvidenceGroup, bookings: EvidenceGroup, pipeline: EvidenceGroup, overdue: EvidenceGroup
) -> dict[str, Value]:
    """Return what the figures must be, from the lines alone."""
    target, booked, amount = (
        targets.total("target"),
        bookings.total("bookings"),
        pipeline.total(OPEN),
    )
    remaining = max(target - booked, Decimal(0))
    return {
        "target": target,
        "bookings": booked,
        "remaining_target": remaining,
        "open_pipeline": amount,
        "open_count": pipeline.count("open_count"),
        "without_amount_count": pipeline.count("without_amount_count"),
        "stage_weighted_pipeline": pipeline.total("stage_weighted_pipeline"),
        "overdue_pipeline": overdue.total("overdue_pipeline"),
        "coverage_ratio": float(amount / remaining) if remaining and target else None,
        **{name: booked + pipeline.total(name) for name in CRM_FORECASTS},
        "status": _status(target, booked),
    }


def _foreseen(
    needed: Needed, remaining: Decimal, pipeline: EvidenceGroup, *, has_chances: bool
) -> dict[str, Value]:
    """Return what the figures of the forecast must be: sums of its chances, and what follows from its c and N."""
    ratio = None
    if remaining and needed.conversion and needed.others is not None:
        ratio = (
            float(max(remaining - needed.others, Decimal(0))) / needed.conversion / float(remaining)
        )
    return {
        "weighted_pipeline": pipeline.total("weighted_pipeline") if has_chances else None,
        "required_ratio": ratio,
        "required_ratio_low": needed.low,
        "required_ratio_high": needed.high,
        "required_windows": needed.windows,
    }


def _status(target: Decimal, bookings: Decimal) -> str:
    if target == 0:
        return TargetStatus.NO_TARGET
    return TargetStatus.COVERED if bookings >= target else TargetStatus.OK


def _compare(found: dict[str, Value], table: str, row: Record, month: Month) -> None:
    for column, value in found.items():
        if not _same(row[column], value):
            raise DoesNotAddUp(
                f"{column} of {row['grain']} {row['grain_id'][:60]!r}, {row['period']} at the end of {month}, is {written(row[column])} in {table}, "
                f"but what lies behind it comes to {written(value)}; do not use the figure: if policy was edited since, "
                f"compute the month again with `onpace report {month}`, else report this"
            )


def _same(published: Value, found: Value) -> bool:
    if isinstance(published, float) and isinstance(found, float):
        return isclose(published, found, rel_tol=SAME, abs_tol=STORED)
    return published == found


def _words(rule: Rule, column: str, evidence: Evidence) -> str:
    if column not in {OPEN, "open_count"}:
        return rule.words
    current = (
        f"those overdue count in the period that holds {evidence.today}"
        if evidence.is_overdue_counted
        else "those overdue are in no period"
    )
    return f"{rule.words}; {current} (policy: overdue)"


def _worked(column: str, row: Record, say: Mapping[str, str]) -> str:
    """Return a computed figure with its numbers put in; empty for a sum of lines, and where there is no figure."""
    if column not in WORKED or row[column] is None:
        return ""
    return WORKED[column].format_map(say)


def _said(row: Record, needed: Needed | None) -> dict[str, str]:
    """Return the numbers that worked figures name, as people read them."""
    conversion, others = (needed.conversion, needed.others) if needed else (None, None)
    cents = None if others is None else round(others, 2)
    return {name: written(value) for name, value in {**row, "c": conversion, "N": cents}.items()}


def written(value: object) -> str:
    """Return a value as people read it: money to the cent, ratios with four decimals, nothing as `-`."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, Decimal | int) else str(value)


def plain(text: str) -> str:
    """Return a text in one line, without characters that steer a terminal or the order of writing."""
    kept = (
        " " if each.isspace() else each
        for each in unicodedata.normalize("NFC", text)
        if each.isprintable() or each.isspace()
    )
    return " ".join("".join(kept).split())
