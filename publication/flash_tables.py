"""The tables of a flash: the state of a running month as of a day's first instant, by the functions that close a month.

Put here which tables a day has and what they are computed from; how they become pages is `flash`.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs, resolve
from reports.flash import FlashTables
from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import empty, stamp
from sales.contracts.coverage import PipelineCoverage
from sales.contracts.targets import ComingMonth, PhasedTargets, TargetAttainment
from sales.coverage import coverage
from sales.coverage import deal_changes as changes
from sales.forecast import closing_plan as closing
from sales.forecast import coming_month as numbers
from sales.forecast.running_period import running_landing
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.policy.rules import MonthRules
from sales.rollup import grains_of
from sales.targets import attainment
from sales.targets import phased_targets as targets
from sales.targets.attainment import targets_within
from sales.targets.phased_targets import NoTargets
from sales.targets.stated_plans import PlanBook
from sales.vocabulary import PeriodKind

# Columns that name a month end in the tables of a month, and what they are called in those of a day.
DAYS = {"as_of_month": "as_of_day", "from_month": "from_day", "to_month": "to_day"}


def flash_tables(inputs: MonthInputs, earlier: MonthInputs, day: date, before: date) -> FlashTables:
    """Return the tables of a day from the inputs of its running month, with those of the day `before` to compare with."""
    month, rules = inputs.month, inputs.rules
    snap = snapshot.opportunity_snapshot(inputs.history, month, rules, is_copy=inputs.is_copy)
    opening = snapshot.opening_snapshot(inputs.history, earlier.month, earlier.rules, snap)
    shared = credit.booking_credit(snap, inputs.extract, inputs.people, month, rules)
    sources = ForecastSources(inputs)
    phased = _phased(inputs, sources)
    changed = changes.deal_changes(opening, snap, month, rules)
    attained = attainment.target_attainment(snap, shared, phased, month, rules)
    covered = coverage.pipeline_coverage(snap, shared, phased, month, rules)
    number = _number_of_the_month(inputs)
    tables = {
        "opportunity_snapshot": snap,
        "phased_targets": phased,
        "target_attainment": attained,
        "pipeline_coverage": covered,
        "closing_plan": closing.closing_plan(snap, month, rules),
        "deal_changes": changed.assign(from_month=str(before), to_month=str(day)),
    }
    calendar = rules.calendar
    landing = running_landing(
        inputs.history,
        grains_of(rules.company, targets_within(phased, [calendar.year_of(month)]), snap, shared),
        [calendar.month_period(month), calendar.quarter_of(month)],
        _asked(number, attained, covered, rules, month),
        day,
        rules,
    )
    return FlashTables(
        landing_forecast=stamp(landing, calendar.as_of(month), inputs.extracted_at),
        coming_month=number,
        leave=_leave(inputs, sources.plan_book, day),
        **{name: _of_day(table, day) for name, table in tables.items()},
    )


def _asked(
    number: DataFrame[ComingMonth],
    attained: DataFrame[TargetAttainment],
    covered: DataFrame[PipelineCoverage],
    rules: MonthRules,
    month: Month,
) -> dict[tuple[str, str, str], int]:
    """Return what the running month and quarter are held against, in minor units by grain, id and period: a month's number, else its plan."""
    parts = (
        (covered, "period", "target"),
        (attained[attained["period_kind"] == PeriodKind.MONTH.value], "period", "target"),
        (number[number["month"] == str(month)], "month", "number"),
    )
    found: dict[tuple[str, str, str], int] = {}
    for table, period, amount in parts:
        for row in columns.rows(table[["grain", "grain_id", period, amount]]):
            key = row["grain"], row["grain_id"], row[period]
            found[key] = money.to_minor(row[amount], rules.digits)
    return found


def _leave(inputs: MonthInputs, book: PlanBook, day: date) -> pd.DataFrame:
    """Return who is away on a day or later in its month: a row a leave, by first day and person."""
    last = inputs.rules.calendar.last_day(inputs.month)
    away = [each for each in book.leaves if each.start <= last and each.end >= day]
    away.sort(key=lambda each: (each.start, each.owner_id))
    owners = columns.text([each.owner_id for each in away])
    return columns.frame(
        {
            "as_of_day": columns.repeat(str(day), len(away)),
            "owner_id": owners,
            "owner_name": inputs.people.name_of(owners),
            "team": inputs.people.team_of(owners),
            "first_day": pa.array([each.start for each in away], pa.date32()),
            "last_day": pa.array([each.end for each in away], pa.date32()),
        }
    )


def _number_of_the_month(inputs: MonthInputs) -> DataFrame[ComingMonth]:
    """Return the number of the running month as it was set at the month end before; no rows where nothing was known then."""
    before = inputs.month.plus(-1)
    copy = inputs.copies.get(before, inputs.record)
    known = resolve(inputs.workspace, before, copy)
    if not snapshot.has_records(known.history, before, known.rules):
        return empty(ComingMonth)
    forecast = ForecastSources(known)
    snap = snapshot.opportunity_snapshot(known.history, before, known.rules)
    shared = credit.booking_credit(snap, known.extract, known.people, before, known.rules)
    try:
        phased = _phased(known, forecast)
    except NoTargets:
        return empty(ComingMonth)
    return numbers.coming_month(forecast.forecast_basis, snap, shared, phased, before, known.rules)


def _phased(inputs: MonthInputs, forecast: ForecastSources) -> DataFrame[PhasedTargets]:
    bookings = snapshot.monthly_bookings(
        inputs.year_to_date(), inputs.month, inputs.rules, inputs.extracted_at
    )
    return targets.phased_targets(
        inputs.targets_in_force(),
        bookings,
        inputs.people,
        inputs.month,
        inputs.policies,
        inputs.organization,
        inputs.extracted_at,
        forecast.plan_book,
        forecast.seasons(),
    )


def _of_day(table: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return a table of a month end as one of a day: named by the day, in the same columns."""
    if "month" in table.columns and "opportunity_id" in table.columns:
        table = table.rename(columns={"month": "as_of_month"})
    if "as_of_month" in table.columns:
        column = pd.Series(
            [str(day)] * len(table), dtype=pd.ArrowDtype(pa.string()), index=table.index
        )
        table = table.assign(as_of_month=column)
    return table.rename(columns=DAYS)
