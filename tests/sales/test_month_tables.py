"""Attainment, coverage, credit, movement, closing plan and findings on a few deals that a reader can add up by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import Month
from sales.checks import findings as quality
from sales.checks import invariants as reconciliation
from sales.contracts.raw import RawTargets
from sales.coverage import coverage, movement
from sales.forecast import closing_plan as closing
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.history.extract import Extract, people
from sales.history.reconstruction import PipelineHistory
from sales.targets import annual_targets, attainment
from sales.targets import phased_targets as targets
from tests.examples import examples
from tests.fakes import (
    EXTRACTED_AT,
    ORGANIZATION,
    at,
    book,
    deal,
    extract,
    frame,
    no_rates,
    saved,
    target,
)
from tests.sales.history.test_booking_credit import REVENUE, split

TWO_TARGETS = [target("005A", 1200), target("005B", 600)]


class MonthOf:
    """All tables of a month of a written extract."""

    def __init__(
        self,
        one: Extract,
        month: Month,
        lines: list[dict[str, object]] | None = None,
        policy: str = "",
        year: int = 2026,
    ) -> None:
        policies, organization = (
            book(policy, year),
            replace(ORGANIZATION, fiscal_months=one.defaults.fiscal_months),
        )
        self.month, self.rules = month, policies.for_month(month, organization)
        dimension = self.rules.policy.pipeline.dimension or ""
        history = self.history = PipelineHistory(one, "EUR", 2, dimension=dimension)
        known = [
            (each, self.rules)
            for each in self.rules.calendar.year_of(month).months
            if each <= month
        ]
        known = [pair for pair in known if snapshot.has_records(history, *pair)]
        raw = frame(RawTargets, TWO_TARGETS if lines is None else lines)
        in_force = {
            each: annual_targets.in_force(raw, no_rates, each, policies, organization)
            for each, _ in known
        }
        self.owners = people(one, "role")
        self.snapshot = snapshot.opportunity_snapshot(history, month, self.rules)
        self.opening = snapshot.opening_snapshot(history, month.plus(-1), self.rules, self.snapshot)
        bookings = snapshot.monthly_bookings(
            [(*pair, history) for pair in known], month, self.rules, EXTRACTED_AT
        )
        self.phased = targets.phased_targets(
            in_force, bookings, self.owners, month, policies, organization, EXTRACTED_AT
        )
        self.credit = credit.booking_credit(self.snapshot, one, self.owners, month, self.rules)
        self.attainment = attainment.target_attainment(
            self.snapshot, self.credit, self.phased, month, self.rules
        )
        self.coverage = coverage.pipeline_coverage(
            self.snapshot, self.credit, self.phased, month, self.rules
        )
        self.movement = movement.pipeline_movement(
            movement.month_end(self.opening, one, month.plus(-1), self.rules),
            movement.month_end(self.snapshot, one, month, self.rules),
            self.phased,
        )

    def row(self, table: pd.DataFrame, grain: str, grain_id: str, period: str) -> dict[str, object]:
        found = table[
            (table["grain"] == grain)
            & (table["grain_id"] == grain_id)
            & (table["period"] == period)
        ]
        assert len(found) == 1, (grain, grain_id, period)
        return {name: None if value is pd.NA else value for name, value in found.iloc[0].items()}


def euro(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def test_attainment_by_hand() -> None:
    """Ann won 150 in January and 30 in March; a deal won ahead of its date is booked in that later month."""
    rows = [
        saved(1, "2026-01-05 10:00"),
        saved(1, "2026-01-20 10:00", stage_name="Won", amount=150, close_date=date(2026, 1, 20)),
        saved(2, "2026-03-05 10:00", stage_name="Won", amount=30, close_date=date(2026, 3, 5)),
        saved(3, "2026-03-05 10:00", stage_name="Won", amount=999, close_date=date(2026, 4, 2)),
        saved(4, "2026-03-05 10:00", stage_name="Won", amount=None, close_date=date(2026, 3, 5)),
    ]
    march = MonthOf(extract([deal(n) for n in (1, 2, 3, 4)], rows), Month(2026, 3))
    month = march.row(march.attainment, "person", "005A", "2026-03")
    assert (month["target"], month["bookings"], month["variance"], month["attainment_pct"]) == (
        euro("100"),
        euro("30"),
        euro("-70"),
        30.0,
    )
    year = march.row(march.attainment, "company", "Acme", "FY2026")
    assert (year["target"], year["bookings"], year["status"]) == (euro("450"), euro("180"), "ok")
    team = march.row(march.attainment, "team", "North", "FY2026-Q1")
    assert (team["target"], team["bookings"]) == (euro("300"), euro("180"))
    assert march.row(march.attainment, "team", "South", "FY2026")["bookings"] == 0


def test_someone_without_a_target_appears_and_has_no_percentage() -> None:
    rows = [saved(1, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 1, 5))]
    january = MonthOf(extract([deal(1, owner_id="005Z")], rows), Month(2026, 1))
    stranger = january.row(january.attainment, "person", "005Z", "2026-01")
    assert (stranger["status"], stranger["attainment_pct"], stranger["bookings"]) == (
        "no_target",
        None,
        euro("100"),
    )
    assert january.row(january.attainment, "team", "Unassigned", "2026-01")["bookings"] == euro(
        "100"
    )


def test_coverage_by_hand() -> None:
    """March ends its quarter: the table starts with the second. Ann has 250 open in it, 20 of it at 50 %; 70 is overdue."""
    rows = [
        saved(1, "2026-01-05 10:00", amount=230, probability_pct=10.0, close_date=date(2026, 5, 1)),
        saved(2, "2026-01-05 10:00", amount=20, probability_pct=50.0, close_date=date(2026, 6, 30)),
        saved(3, "2026-01-05 10:00", amount=None, close_date=date(2026, 4, 1)),
        saved(4, "2026-01-05 10:00", amount=70, close_date=date(2026, 3, 31)),
        saved(5, "2026-02-05 10:00", stage_name="Won", amount=40, close_date=date(2026, 4, 9)),
    ]
    one = extract([deal(n) for n in range(1, 6)], rows)
    march = MonthOf(one, Month(2026, 3))
    assert march.coverage["period"].unique().tolist() == ["FY2026-Q2", "FY2026-Q3", "FY2026"]
    quarter = march.row(march.coverage, "person", "005A", "FY2026-Q2")
    assert (quarter["target"], quarter["bookings"], quarter["remaining_target"]) == (
        euro("300"),
        euro("40"),
        euro("260"),
    )
    assert (quarter["open_pipeline"], quarter["open_count"], quarter["without_amount_count"]) == (
        euro("250"),
        3,
        1,
    )
    assert (quarter["stage_weighted_pipeline"], quarter["overdue_pipeline"]) == (
        euro("33"),
        euro("70"),
    )
    assert quarter["coverage_ratio"] == pytest.approx(250 / 260)
    assert quarter["weighted_pipeline"] is None
    current = MonthOf(one, Month(2026, 3), policy='[pipeline]\noverdue = "current_period"')
    assert current.row(current.coverage, "person", "005A", "FY2026-Q2")["open_pipeline"] == euro(
        "320"
    )


def test_a_covered_period_has_no_ratio_and_a_year_without_target_neither() -> None:
    rows = [
        saved(1, "2026-01-05 10:00", stage_name="Won", amount=5000, close_date=date(2026, 5, 1)),
        saved(2, "2026-10-01 10:00"),
    ]
    april = MonthOf(extract([deal(1), deal(2)], rows), Month(2026, 4))
    quarter = april.row(april.coverage, "person", "005A", "FY2026-Q2")
    assert (quarter["status"], quarter["coverage_ratio"], quarter["remaining_target"]) == (
        "covered",
        None,
        euro("0"),
    )
    november = MonthOf(extract([deal(1), deal(2)], rows), Month(2026, 11))
    assert november.row(november.coverage, "company", "Acme", "FY2027-Q1")["status"] == "no_target"


def moved(march: MonthOf, grain: str, grain_id: str, period: str) -> dict[str, Decimal]:
    row = march.row(march.movement, grain, grain_id, period)
    names = ["opening", *movement.ADDS, *movement.TAKES, "closing"]
    return {name: row[name] for name in names if row[name]}  # type: ignore[misc]


def test_movement_by_hand() -> None:
    rows = [
        saved(1, "2026-01-05 10:00", amount=100),
        saved(1, "2026-04-05 10:00", amount=130),
        saved(2, "2026-01-05 10:00", amount=50),
        saved(2, "2026-04-05 10:00", amount=60, stage_name="Won", close_date=date(2026, 4, 5)),
        saved(3, "2026-01-05 10:00", amount=40),
        saved(3, "2026-04-06 10:00", amount=10, stage_name="Lost"),
        saved(4, "2026-01-05 10:00", amount=30),
        saved(4, "2026-04-07 10:00", amount=30, close_date=date(2026, 8, 1)),
        saved(5, "2026-04-08 10:00", amount=20),
        saved(6, "2026-01-05 10:00", amount=10, stage_name="Lost"),
        saved(6, "2026-04-09 10:00", amount=10),
        saved(7, "2026-01-05 10:00", amount=5),
        saved(8, "2026-01-05 10:00", amount=3, close_date=date(2026, 2, 1)),
        saved(8, "2026-04-10 10:00", amount=3),
        saved(9, "2026-01-05 10:00", amount=2, close_date=date(2026, 4, 20)),
    ]
    deals = [deal(n) for n in (1, 2, 3, 4, 6, 8, 9)]
    deals += [
        deal(5, created_at=at("2026-04-08 10:00")),
        deal(7, is_deleted=True, modified_at=at("2026-04-11 10:00")),
    ]
    april = MonthOf(extract(deals, rows), Month(2026, 4))
    assert moved(april, "company", "Acme", "FY2026-Q2") == {
        "opening": euro("227"),
        "created": euro("20"),
        "moved_in": euro("3"),
        "reopened": euro("10"),
        "increased": euro("40"),
        "decreased": euro("30"),
        "moved_out": euro("32"),
        "won": euro("60"),
        "lost": euro("10"),
        "deleted": euro("5"),
        "closing": euro("163"),
    }
    assert not reconciliation.movement_closes(april.movement)


def test_a_change_of_owner_is_two_legs_and_none_for_the_company() -> None:
    change = {
        "change_id": "0171",
        "opportunity_id": deal(1)["opportunity_id"],
        "created_at": at("2026-04-03 10:00"),
        "field": "Owner",
        "data_type": "EntityId",
        "old_value": "005A",
        "new_value": "005B",
    }
    one = extract(
        [deal(1, owner_id="005B")],
        [saved(1, "2026-01-05 10:00"), saved(1, "2026-04-20 10:00", amount=150)],
        [change],
    )
    april = MonthOf(one, Month(2026, 4))
    assert moved(april, "person", "005A", "FY2026-Q2") == {
        "opening": euro("100"),
        "reassigned_out": euro("100"),
    }
    assert moved(april, "person", "005B", "FY2026-Q2") == {
        "reassigned_in": euro("150"),
        "closing": euro("150"),
    }
    assert moved(april, "team", "South", "FY2026-Q2") == {
        "reassigned_in": euro("150"),
        "closing": euro("150"),
    }
    assert moved(april, "company", "Acme", "FY2026-Q2") == {
        "opening": euro("100"),
        "increased": euro("50"),
        "closing": euro("150"),
    }


def test_the_first_month_opens_with_nothing() -> None:
    january = MonthOf(extract([deal(1)], [saved(1, "2026-01-05 10:00")]), Month(2026, 1))
    assert january.opening.empty
    assert moved(january, "company", "Acme", "FY2026-Q2") == {
        "created": euro("100"),
        "closing": euro("100"),
    }


def test_the_movement_shows_the_quarter_that_ends_too() -> None:
    march = MonthOf(extract([deal(1)], [saved(1, "2026-01-05 10:00")]), Month(2026, 3))
    assert march.movement["period"].unique().tolist() == [
        "FY2026-Q1",
        "FY2026-Q2",
        "FY2026-Q3",
        "FY2026",
    ]


SAVE = st.tuples(
    st.integers(1, 5),
    st.integers(0, 118),
    st.sampled_from(["Open", "Proposal", "Won", "Lost"]),
    st.one_of(st.none(), st.integers(0, 10**9)),
    st.integers(-40, 200),
)
CHANGE = st.tuples(
    st.integers(1, 5),
    st.integers(0, 118),
    st.sampled_from(["005A", "005B", "005Z"]),
    st.sampled_from(["005A", "005B", "005Z"]),
)


@examples(60)
@given(
    st.lists(SAVE, min_size=3, max_size=25),
    st.lists(CHANGE, max_size=6),
    st.sets(st.integers(1, 5), max_size=2),
    st.sampled_from(["separate", "current_period"]),
    st.integers(1, 4),
)
def test_every_grain_and_period_reconciles_whatever_happens(
    saves: list[tuple[int, int, str, int | None, int]],
    changes: list[tuple[int, int, str, str]],
    deleted: set[int],
    overdue: str,
    month: int,
) -> None:
    start = at("2026-01-03 10:00")
    rows = [
        saved(n, "2026-01-03 10:00", amount=n * 111, close_date=date(2026, 2, n))
        for n in range(1, 6)
    ]
    rows += [
        saved(
            n,
            "2026-01-05 10:00",
            history_id=f"008{i:03d}",
            created_at=start + timedelta(days=days),
            stage_name=stage,
            amount=None if amount is None else Decimal(amount) / 100,
            close_date=date(2026, 3, 1) + timedelta(days=shift),
        )
        for i, (n, days, stage, amount, shift) in enumerate(saves)
    ]
    moves = [
        {
            "change_id": f"017{i:03d}",
            "opportunity_id": deal(n)["opportunity_id"],
            "created_at": start + timedelta(days=days),
            "field": "Owner",
            "data_type": "EntityId",
            "old_value": old,
            "new_value": new,
        }
        for i, (n, days, old, new) in enumerate(changes)
    ]
    deals = [
        deal(
            n, created_at=start, is_deleted=n in deleted, modified_at=start + timedelta(days=20 * n)
        )
        for n in range(1, 6)
    ]
    one = extract(deals, rows, moves)
    policy = f'[pipeline]\noverdue = "{overdue}"'
    try:
        its = MonthOf(one, Month(2026, month), policy=policy)
    except snapshot.NothingYet:
        assert len(deleted) == 5  # only a firm without any deal has no month end
        return
    assert not reconciliation.movement_closes(its.movement)
    assert not reconciliation.closing_is_open_pipeline(its.movement, its.coverage)
    assert not reconciliation.people_sum_to_teams_and_company(
        its.attainment, reconciliation.ATTAINMENT
    )
    assert not reconciliation.people_sum_to_teams_and_company(its.coverage, reconciliation.COVERAGE)
    assert not reconciliation.people_sum_to_teams_and_company(its.movement, ["opening", "closing"])
    assert not reconciliation.phasing_sums_to_annual_target(its.phased)
    assert not reconciliation.no_fact_after_as_of(its.snapshot)
    if month > 1:
        before = MonthOf(one, Month(2026, month - 1), policy=policy)
        key = ["grain", "grain_id", "period"]
        both = its.movement.merge(before.coverage[[*key, "open_pipeline"]], on=key)
        assert (both["opening"] == both["open_pipeline"]).all()


def test_the_closing_plan_lists_90_days_and_what_is_overdue() -> None:
    """The plan made at the end of March covers 1 April to 29 June."""
    rows = [
        saved(n, "2026-01-05 10:00", close_date=day)
        for n, day in enumerate(
            [date(2026, 3, 31), date(2026, 4, 1), date(2026, 6, 29), date(2026, 6, 30)], start=1
        )
    ]
    march = MonthOf(extract([deal(n) for n in range(1, 5)], rows), Month(2026, 3))
    plan = closing.closing_plan(march.snapshot, march.month, march.rules)
    assert plan["close_date"].tolist() == [date(2026, 3, 31), date(2026, 4, 1), date(2026, 6, 29)]
    assert plan["days_overdue"].tolist() == [1, 0, 0]
    assert plan["flags"].tolist() == ["overdue", "", ""]


def test_a_slow_deal_of_an_existing_client_is_protected() -> None:
    pushed = [
        saved(2, "2026-01-06 10:00", close_date=date(2026, 2, 1)),
        saved(2, "2026-01-20 10:00", close_date=date(2026, 3, 5)),
        saved(2, "2026-03-01 10:00", close_date=date(2026, 4, 20)),
    ]
    won_once = saved(1, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 1, 5))
    march = MonthOf(extract([deal(1), deal(2)], [won_once, *pushed]), Month(2026, 3))
    assert closing.closing_plan(march.snapshot, march.month, march.rules)["flags"].tolist() == [
        "pushed slow protect"
    ]
    stranger = MonthOf(
        extract([deal(1, account_id="001B"), deal(2)], [won_once, *pushed]), Month(2026, 3)
    )
    assert closing.closing_plan(stranger.snapshot, stranger.month, stranger.rules)[
        "flags"
    ].tolist() == ["pushed slow"]


@pytest.mark.parametrize(("wins", "is_slow"), [(19, False), (20, True)])
def test_a_deal_is_slow_beside_at_least_twenty_wins(wins: int, is_slow: bool) -> None:  # noqa: FBT001  # a parameter
    """Each win took a day; deal 1 is open since January, deal 2 since the last day of March."""
    deals = [deal(1), deal(2, created_at=at("2026-03-31 10:00"))]
    rows = [saved(1, "2026-01-05 10:00"), saved(2, "2026-03-31 10:00")]
    for n in range(3, 3 + wins):
        deals.append(deal(n, created_at=at("2026-02-01 10:00")))
        rows += [
            saved(n, "2026-02-01 10:00"),
            saved(n, "2026-02-02 10:00", stage_name="Won", close_date=date(2026, 2, 2)),
        ]
    march = MonthOf(extract(deals, rows), Month(2026, 3))
    found = closing.slow_deals(march.snapshot, march.month, march.rules)
    slow = set(march.snapshot.loc[found, "opportunity_id"])
    assert slow == ({deal(1)["opportunity_id"]} if is_slow else set())


def test_findings_name_the_record_and_what_is_wrong() -> None:
    deals = [deal(1, owner_id="005Z", name="=cmd\x07|北京"), deal(2), deal(3), deal(4)]
    rows = [
        saved(1, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 1, 5)),
        saved(2, "2026-01-05 10:00", amount=None),
        saved(3, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 9, 1)),
        saved(4, "2026-07-05 10:00"),
    ]
    march = MonthOf(extract(deals, rows), Month(2026, 3))
    found = quality.data_quality(
        march.snapshot,
        march.credit,
        march.phased,
        march.owners,
        march.month,
        march.rules,
        "00D",
        range(0x20, 0x500),
    )
    names = dict(zip(found["finding"].tolist(), found["record_id"].tolist(), strict=True))
    assert names == {
        "booked_later": deals[2]["opportunity_id"],
        "booking_without_target": deals[0]["opportunity_id"],
        "history_assumed": deals[3]["opportunity_id"],
        "open_without_amount": deals[1]["opportunity_id"],
        "owner_assumed": "00D",
        "owner_unknown": deals[0]["opportunity_id"],
        "text_unprintable": deals[0]["opportunity_id"],
    }
    assert not reconciliation.every_booking_has_a_target(
        march.snapshot, march.phased, found, march.month, march.rules
    )
    assert reconciliation.every_booking_has_a_target(
        march.snapshot, march.phased, found.iloc[:0], march.month, march.rules
    )
    assert all("\x07" not in detail for detail in found["detail"].tolist())
    details = dict(zip(found["finding"].tolist(), found["detail"].tolist(), strict=True))
    assert details["booking_without_target"] == (
        "005Z has no target in force for the year, but booked =cmd |北京"
    )
    assert found["amount"].notna().tolist() == [
        name not in {"open_without_amount", "policy_of_another_year"}
        for name in found["finding"].tolist()
    ]
    owners = dict(
        zip(found["finding"].tolist(), found["owner_id"].fillna("").tolist(), strict=True)
    )
    assert (owners["open_without_amount"], owners["owner_unknown"], owners["owner_assumed"]) == (
        "005A",
        "005Z",
        "",
    ), "the whole is the administrators'"


def findings_of(one: MonthOf, *coming: annual_targets.ComingTarget) -> pd.DataFrame:
    """Return the findings of a month by record and finding."""
    return quality.data_quality(
        one.snapshot,
        one.credit,
        one.phased,
        one.owners,
        one.month,
        one.rules,
        "00D",
        range(0x20, 0x500),
        quality.TargetNotes(coming=coming),
    ).set_index(["finding", "record_id"])


def test_two_who_share_a_booking_without_targets_are_named_together_and_long_names_are_cut() -> (
    None
):
    name = "A very long name of a deal that nobody reads to its very end " * 3
    rows = [saved(1, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 1, 5))]
    shares = [split(1, "005A", 50), split(1, "005B", 50)]
    one = extract([deal(1, name=name)], rows, splits=shares, split_types=[REVENUE])
    march = MonthOf(one, Month(2026, 3), [target("005C", 100)])
    found = findings_of(march).loc[("booking_without_target", deal(1)["opportunity_id"])]
    words = found["detail"]
    assert words.startswith("Ann and Bob have no target in force for the year, but booked A very")
    assert words.endswith("…")
    assert len(words) < 150
    assert (found["amount"], found["owner_id"], found["owner_name"]) == (euro("100"), "005A", "Ann")


def test_deals_of_people_who_left_are_found_whoever_comes_first_in_the_list() -> None:
    users = [
        {"user_id": "005A", "name": "Ann", "is_active": False, "role_id": "00EN"},
        {"user_id": "005B", "name": "Bob", "is_active": True, "role_id": "00ES"},
    ]
    rows = [saved(n, "2026-01-05 10:00") for n in (1, 2)]
    one = extract([deal(1), deal(2, owner_id="005B")], rows, users=users)
    found = findings_of(MonthOf(one, Month(2026, 3)))
    left = [record for finding, record in found.index if finding == "owner_left"]
    assert left == [deal(1)["opportunity_id"]]


def test_a_target_that_takes_effect_later_is_a_finding_by_name() -> None:
    march = MonthOf(extract([deal(1)], [saved(1, "2026-01-05 10:00")]), Month(2026, 3))
    coming = annual_targets.ComingTarget(2026, "005B", date(2026, 7, 1))
    found = findings_of(march, coming)
    row = found.loc[("target_not_in_force", "005B")]
    assert row["detail"].startswith("Bob has a target for FY2026 that takes effect on 2026-07-01")
    assert (row["owner_id"], row["owner_name"]) == ("005B", "Bob")


def test_the_laws_see_a_table_that_breaks_them() -> None:
    """A law that cannot fail protects nobody."""
    rows = [
        saved(1, "2026-01-05 10:00", close_date=date(2026, 5, 1)),
        saved(2, "2026-01-05 10:00", stage_name="Won", close_date=date(2026, 1, 5)),
    ]
    january = MonthOf(extract([deal(1), deal(2)], rows), Month(2026, 1))

    def spoiled(table: pd.DataFrame, column: str) -> pd.DataFrame:
        changed = table.copy()
        changed.loc[0, column] = changed.loc[0, column] + Decimal("0.01")
        return changed

    assert reconciliation.phasing_sums_to_annual_target(spoiled(january.phased, "baseline_target"))
    assert reconciliation.movement_closes(spoiled(january.movement, "closing"))
    assert reconciliation.closing_is_open_pipeline(
        january.movement, spoiled(january.coverage, "open_pipeline")
    )
    assert reconciliation.people_sum_to_teams_and_company(
        spoiled(january.attainment, "bookings"), ["bookings"]
    )
    for name in ("created_at", "known_at", "stage_entered_at"):
        assert reconciliation.no_fact_after_as_of(
            january.snapshot.assign(**{name: january.snapshot["as_of"]})
        ), name
