"""Each difference to what was published first has a cause, and all of them add up."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import Month
from sales.contracts.raw import RawTargets
from sales.coverage import coverage
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory
from sales.policy.rules import MonthRules
from sales.restatement.restatement import Published, restatement
from sales.targets import annual_targets, attainment
from sales.targets import phased_targets as targets
from tests.examples import examples
from tests.fakes import (
    EXTRACTED_AT,
    ORGANIZATION,
    book,
    deal,
    extract,
    frame,
    no_rates,
    saved,
    target,
)
from tests.sales.history.test_booking_credit import REVENUE, split

MONTH = Month(2026, 4)
OWNERS = ["005A", "005B"]


def published(
    deals: list[dict[str, Any]],
    history: list[dict[str, Any]],
    annual: dict[str, int],
    policy: str = "",
    **more: list[dict[str, Any]],
) -> tuple[Published, MonthRules]:
    """Return a month's tables of such facts; `more` are other raw tables."""
    one, policies = extract(deals, history, **more), book(policy)
    rules = policies.for_month(MONTH, ORGANIZATION)
    its, owners = PipelineHistory(one, "EUR", 2), people(one, "role")
    snap = snapshot.opportunity_snapshot(its, MONTH, rules)
    known = [(each, rules, its) for each in rules.calendar.year_of(MONTH).months if each <= MONTH]
    raw = frame(RawTargets, [target(owner, amount) for owner, amount in annual.items()])
    in_force = {
        each: annual_targets.in_force(raw, no_rates, each, policies, ORGANIZATION)
        for each, _, _ in known
    }
    bookings = snapshot.monthly_bookings(known, MONTH, rules, EXTRACTED_AT)
    shared = credit.booking_credit(snap, one, owners, MONTH, rules)
    return Published(
        snap,
        shared,
        targets.phased_targets(
            in_force, bookings, owners, MONTH, policies, ORGANIZATION, EXTRACTED_AT
        ),
    ), rules


@lru_cache(maxsize=1)
def april() -> tuple[Published, MonthRules]:
    """Two won deals, two open ones, two people."""
    deals = [deal(1), deal(2, owner_id="005B"), deal(3), deal(4, owner_id="005B")]
    return published(deals, april_history(), {"005A": 120_000, "005B": 60_000})


def april_history() -> list[dict[str, Any]]:
    return [
        saved(1, "2026-02-03 10:00", stage_name="Won", amount=40_000, close_date=date(2026, 2, 3)),
        saved(2, "2026-03-03 10:00", stage_name="Won", amount=5_000, close_date=date(2026, 3, 3)),
        saved(3, "2026-03-03 10:00", amount=7_000, close_date=date(2026, 6, 2)),
        saved(4, "2026-03-03 10:00", amount=9_000, close_date=date(2026, 7, 2)),
    ]


def lines(
    before: Published, after: Published, rules: MonthRules
) -> list[tuple[str, str, str, Decimal, str]]:
    found = restatement(before, after, MONTH, rules)
    return list(
        found[["measure", "record_id", "owner_id", "difference", "cause"]].itertuples(
            index=False, name=None
        )
    )


def opportunity(number: int) -> str:
    return f"006000000000{number:03d}AAA"


def test_the_same_month_has_no_difference() -> None:
    before, rules = april()
    assert lines(before, before, rules) == []


def test_each_cause_is_told_from_the_others() -> None:
    """By hand: deal 1 was worth 41,000 after all, 2 belonged to Ann, 3 was moved to 2027, 4 is gone, Bob's target is 72,000."""
    before, rules = april()
    history = april_history()
    history[0]["amount"] = Decimal(41_000)
    history[2]["close_date"] = date(2027, 2, 1)
    after, _ = published(
        [deal(1), deal(2), deal(3)], history[:3], {"005A": 120_000, "005B": 72_000}
    )
    assert lines(before, after, rules) == [
        ("bookings", opportunity(1), "005A", Decimal(1000), "amount"),
        ("bookings", opportunity(2), "005A", Decimal(5000), "owner"),
        ("bookings", opportunity(2), "005B", Decimal(-5000), "owner"),
        ("open_pipeline", opportunity(3), "005A", Decimal(-7000), "late_edit"),
        ("open_pipeline", opportunity(4), "005B", Decimal(-9000), "deletion"),
        ("target", "005B", "005B", Decimal(4000), "target_revision"),
    ]


def test_another_rate_and_another_phasing_are_told_from_edits() -> None:
    before, rules = april()
    snap = before.opportunity_snapshot
    dearer = pd.Series([2 * amount for amount in snap["amount"]], dtype=snap["amount"].dtype)
    credit = before.booking_credit
    shares = pd.Series(
        [
            amount if won else 2 * amount
            for amount, won in zip(credit["amount"], credit["is_won"], strict=True)
        ],
        dtype=credit["amount"].dtype,
    )
    after = replace(
        before,
        opportunity_snapshot=snap.assign(amount=dearer),
        booking_credit=credit.assign(amount=shares),
    )
    assert {(measure, cause) for measure, _, _, _, cause in lines(before, after, rules)} == {
        ("open_pipeline", "rate")
    }
    weighted, _ = published(
        [deal(1), deal(2, owner_id="005B"), deal(3), deal(4, owner_id="005B")],
        april_history(),
        {"005A": 120_000, "005B": 60_000},
        '[phasing]\nmethod = "custom"\nweights = [2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]',
    )
    assert {(measure, cause) for measure, _, _, _, cause in lines(before, weighted, rules)} == {
        ("target", "definition")
    }


def test_a_person_who_changed_teams_moves_their_numbers_and_the_company_keeps_them() -> None:
    before, rules = april()
    tables = {
        name: table.assign(team=table["team"].where(table["owner_id"] != "005A", "East"))
        for name, table in vars(before).items()
    }
    found = restatement(before, Published(**tables), MONTH, rules)
    assert found["difference"].sum() == 0
    assert set(found["cause"]) == {"owner"}
    assert set(found["team"]) == {"North", "East"}


def test_credit_that_is_shared_otherwise_is_a_change_of_owners_for_each_who_shares_it() -> None:
    """Ann's won 40,000 and open 7,000 are shared with Bob, a quarter of each: nothing else is changed."""
    before, rules = april()
    shares = [split(n, owner, part) for n in (1, 3) for owner, part in (("005A", 75), ("005B", 25))]
    deals = [deal(1), deal(2, owner_id="005B"), deal(3), deal(4, owner_id="005B")]
    shared, _ = published(
        deals,
        april_history(),
        {"005A": 120_000, "005B": 60_000},
        splits=shares,
        split_types=[REVENUE],
    )
    found = lines(before, shared, rules)
    assert found == [
        ("bookings", opportunity(1), "005A", Decimal(-10_000), "owner"),
        ("bookings", opportunity(1), "005B", Decimal(10_000), "owner"),
        ("open_pipeline", opportunity(3), "005A", Decimal(-1_750), "owner"),
        ("open_pipeline", opportunity(3), "005B", Decimal(1_750), "owner"),
    ]


FACTS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(OWNERS),
        st.sampled_from(["Won", "Open", "Lost"]),
        st.integers(0, 10**6) | st.none(),
        st.dates(date(2025, 12, 1), date(2027, 2, 1)),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda fact: fact[0],
)


def of(
    facts: list[tuple[int, str, str, int | None, date]], annual: int
) -> tuple[Published, MonthRules]:
    deals = [deal(number, owner_id=owner) for number, owner, *_ in facts]
    history = [
        saved(number, "2026-02-03 10:00", stage_name=stage, amount=amount, close_date=day)
        for number, _, stage, amount, day in facts
    ]
    return published(deals, history, {"005A": 120_000, "005B": annual})


def totals(tables: Published, rules: MonthRules) -> pd.DataFrame:
    """The three numbers of every person, team and the company, as the published tables have them."""
    year = rules.calendar.year_of(MONTH).name
    attained = attainment.target_attainment(
        tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets, MONTH, rules
    )
    covered = coverage.pipeline_coverage(
        tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets, MONTH, rules
    )
    parts = [
        attained.loc[attained["period_kind"] == "year"].set_index(["grain", "grain_id"])[
            ["bookings", "target"]
        ],
        covered.loc[covered["period"] == year].set_index(["grain", "grain_id"])[["open_pipeline"]],
    ]
    return pd.concat(parts, axis=1)


@examples(25)
@given(FACTS, FACTS, st.integers(1, 10**6))
def test_the_differences_add_up_for_every_person_team_and_the_company(
    before: list[Any], after: list[Any], annual: int
) -> None:
    """Whatever changed, what was published first plus the lines is what is published now."""
    (was, rules), (now, _) = of(before, 60_000), of(after, annual)
    found = restatement(was, now, MONTH, rules)
    old, new = totals(was, rules), totals(now, rules)
    for key in sorted({*old.index, *new.index}):
        grain, grain_id = key
        mine = (
            found
            if grain == "company"
            else found.loc[found["team" if grain == "team" else "owner_id"] == grain_id]
        )
        for measure in ("bookings", "open_pipeline", "target"):
            explained = sum(mine.loc[mine["measure"] == measure, "difference"], Decimal(0))
            amounts = [
                table.loc[key, measure] if key in table.index else Decimal(0)
                for table in (old, new)
            ]
            assert amounts[0] + explained == amounts[1], (key, measure)
