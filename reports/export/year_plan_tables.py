"""The tables of a year's plans, a row a scenario and person, month or source: what the document shows, to be computed with.

Put a column of them here; the document is `reports.year_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales import money
from sales.contracts.contract import DECIMALS
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.targets.annual_targets import TARGET_BOOK
from sales.vocabulary import GrainKind

GROUPS, PEOPLE, MONTHS, SOURCES, QUARTERS = "groups", "people", "months", "sources", "quarters"


def plan_tables(plans: YearPlans) -> dict[str, pa.Table]:
    """Return the tables of all scenarios by name; money is in decimals, shares are 0-1, empty where nothing is known."""
    digits = plans.rules.digits
    return {
        f"plan_{GROUPS}": _groups(plans, digits),
        f"plan_{PEOPLE}": _people(plans, digits),
        f"plan_{MONTHS}": _months(plans, digits),
        f"plan_{SOURCES}": _sources(plans, digits),
        f"plan_{QUARTERS}": _quarters(plans, digits),
    }


def target_lines(
    plans: YearPlans,
    scenario: ScenarioPlan,
    usernames: Mapping[str, str],
    revisions: Mapping[str, int],
) -> pa.Table:
    """Return a scenario's targets as lines of a target book: of people of Salesforce, each with its next revision."""
    digits = plans.rules.digits
    rows = [each for each in scenario.plan.members if not each.member.is_seat]
    size = len(rows)
    book: dict[str, pa.Array] = {
        "fiscal_year": pa.array([plans.fiscal_year] * size, pa.int64()),
        "owner": columns.text(
            [usernames.get(each.member.member_id, each.member.member_id) for each in rows]
        ),
        "name": columns.text([each.member.name for each in rows]),
        "team": columns.text([each.member.team for each in rows]),
        "last_year_bookings": _money(
            [plans.lately.get(each.member.member_id, 0) for each in rows], digits
        ),
        "annual_target": columns.text(
            [
                spelled(money.decimal_of(each.stated, digits), plans.rules.policy.targets.decimal)
                for each in rows
            ]
        ),
        "currency_code": columns.text([""] * size),
        "start_date": pa.array([each.member.start for each in rows], pa.date32()),
        "end_date": pa.array([each.member.end for each in rows], pa.date32()),
        "revision": pa.array(
            [revisions.get(each.member.member_id, 0) + 1 for each in rows], pa.int64()
        ),
        "effective_date": columns.text([""] * size),
        "holidays": columns.text([each.member.holidays for each in rows]),
    }
    return pa.table({name: book[name] for name in TARGET_BOOK})


def spelled(amount: Decimal, decimal: str | None) -> str:
    """Return an amount as a target book has it: whole where it is, else with the sign that the policy folder uses."""
    whole = amount.to_integral_value()
    if amount == whole:
        return str(int(whole))
    return str(amount).replace(".", decimal or ".")


def _groups(plans: YearPlans, digits: int) -> pa.Table:
    rows = [
        (one, grain, group)
        for one in plans.scenarios
        for grain, groups in (
            (GrainKind.COMPANY, [one.plan.company]),
            (GrainKind.TEAM, one.plan.teams),
        )
        for group in groups
    ]
    low, middle, high = (
        _money([group.quantiles[n] for _, _, group in rows], digits) for n in range(3)
    )
    return pa.table(
        {
            "scenario": columns.text([one.name for one, _, _ in rows]),
            "title": columns.text([one.plan.title for one, _, _ in rows]),
            "grain": columns.text([str(grain) for _, grain, _ in rows]),
            "name": columns.text([group.name for _, _, group in rows]),
            "expected": _money([group.expected for _, _, group in rows], digits),
            "p10": low,
            "p50": middle,
            "p90": high,
            "target": _money([group.target for _, _, group in rows], digits),
            "hit_probability": _shares([group.chance for _, _, group in rows]),
        }
    )


def _people(plans: YearPlans, digits: int) -> pa.Table:
    rows = [(one, each) for one in plans.scenarios for each in one.plan.members]
    months = {
        str(month): _money([each.months[n] for _, each in rows], digits)
        for n, month in enumerate(plans.year.months)
    }
    return pa.table(
        {
            "scenario": columns.text([one.name for one, _ in rows]),
            "owner_id": columns.text(
                ["" if each.member.is_seat else each.member.member_id for _, each in rows]
            ),
            "name": columns.text([each.member.name for _, each in rows]),
            "team": columns.text([each.member.team for _, each in rows]),
            "start_date": pa.array([each.member.start for _, each in rows], pa.date32()),
            "end_date": pa.array([each.member.end for _, each in rows], pa.date32()),
            "expected": _money([each.expected for _, each in rows], digits),
            "target": _money([each.target for _, each in rows], digits),
            "hit_probability": _shares([each.chance for _, each in rows]),
            "hit_probability_after_misses": _shares([each.after_misses for _, each in rows]),
            "client_plans": _money([each.clients for _, each in rows], digits),
            "is_agreed": pa.array([each.is_agreed for _, each in rows], pa.bool_()),
            **months,
        }
    )


def _months(plans: YearPlans, digits: int) -> pa.Table:
    rows = [
        (one, month)
        for one in plans.scenarios
        for month in sorted({*one.created, *plans.year.months})
        if month > plans.month
    ]
    targets = {
        (one.name, month): amount
        for one in plans.scenarios
        for month, amount in zip(plans.year.months, one.plan.months, strict=True)
    }
    work = {(one.name, each.month): each for one in plans.scenarios for each in one.work}
    done = [work.get((one.name, month)) for one, month in rows]
    return pa.table(
        {
            "scenario": columns.text([one.name for one, _ in rows]),
            "month": columns.text([str(month) for _, month in rows]),
            "target": _money([targets.get((one.name, month)) for one, month in rows], digits),
            "new_pipeline": _money([one.created.get(month) for one, month in rows], digits),
            "delivery_days": pa.array(
                [None if each is None else round(each.days, 1) for each in done], pa.float64()
            ),
            "people_needed": pa.array(
                [None if each is None else each.people for each in done], pa.int64()
            ),
        }
    )


def _sources(plans: YearPlans, digits: int) -> pa.Table:
    rows = [(one, each) for one in plans.scenarios for each in one.sources]
    return pa.table(
        {
            "scenario": columns.text([one.name for one, _ in rows]),
            "source_owner": columns.text([each.owner for _, each in rows]),
            "needed": _money([each.needed for _, each in rows], digits),
            "needed_before_the_year": _money([each.before for _, each in rows], digits),
            "needed_in_months_that_are_over": _money([each.over for _, each in rows], digits),
            "created_last_12_months": _money([each.created for _, each in rows], digits),
            "conversion": _shares([each.conversion for _, each in rows]),
            "lead_months": _shares([each.lead_months for _, each in rows]),
        }
    )


def _quarters(plans: YearPlans, digits: int) -> pa.Table:
    rows = [(one, each) for one in plans.scenarios for each in one.quarters]
    return pa.table(
        {
            "scenario": columns.text([one.name for one, _ in rows]),
            "quarter": columns.text([each.quarter.name for _, each in rows]),
            "target": _money([each.target for _, each in rows], digits),
            "required_ratio": _shares([each.ratio for _, each in rows]),
            "required_low": _shares([each.low for _, each in rows]),
            "required_high": _shares([each.high for _, each in rows]),
            "open_pipeline": _money([each.pipeline for _, each in rows], digits),
        }
    )


def _money(minor: Sequence[int | None], digits: int) -> pa.Array:
    empty = np.array([each is None for each in minor], np.bool_)
    return money.decimal_array(np.array([each or 0 for each in minor], np.int64), digits, empty)


def _shares(values: Sequence[float | None]) -> pa.Array:
    """Return chances, shares and ratios, rounded as those of published tables are."""
    return pc.round(pa.array(values, pa.float64()), DECIMALS, "half_to_even")
