"""Random organisations of many shapes, judged by the definitions written a second time (`plain_definitions`)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import Month
from tests.examples import examples
from tests.fakes import ORGANIZATION, deal, extract, target
from tests.sales import plain_definitions as plain
from tests.sales.plain_definitions import Deal, Firm, Line, Save, YearMonth
from tests.sales.test_month_tables import MonthOf

# Two roles of one name, told apart by what is above them.
ROLES = [
    {"role_id": "00E1", "name": "Sales", "parent_role_id": "00E8"},
    {"role_id": "00E2", "name": "Sales", "parent_role_id": "00E9"},
    {"role_id": "00E8", "name": "US"},
    {"role_id": "00E9", "name": "UK"},
]
PEOPLE = {"005A": "00E1", "005B": "00E2", "005C": "00E1"}
TEAMS = {"00E1": "Sales, US", "00E2": "Sales, UK"}
USERS = [
    {"user_id": each, "name": each, "username": each, "is_active": True, "role_id": role}
    for each, role in PEOPLE.items()
]
ZONES = ["UTC", "Asia/Kolkata", "Pacific/Auckland", "America/Santiago", "Asia/Kathmandu"]
SHARES = [
    ("50", "50"),
    ("33.33", "33.33", "33.34"),
    ("100",),
    ("0.01", "99.99"),
    ("70", "20", "10"),
]
MONTHS: list[YearMonth] = [(2026, number) for number in range(1, 7)]


@st.composite
def instants(draw: st.DrawFn, zone: str) -> datetime:
    """Draw an instant near a month's end, often within a second of it."""
    firm = Firm(
        zone, 1, named_by_end=False, is_overdue_counted=False, team_of={}, deals=[], lines=[]
    )
    near = draw(st.sampled_from([timedelta(seconds=-1), timedelta(0), timedelta(seconds=1)]))
    far = draw(st.integers(-20, 20).map(lambda days: timedelta(days=days)))
    return plain.as_of(firm, draw(st.sampled_from(MONTHS))) + draw(st.sampled_from([near, far]))


@st.composite
def deals(draw: st.DrawFn, number: int, zone: str) -> Deal:
    """Draw a deal: saves, an owner who may change, shares, and perhaps its deletion."""
    created = draw(instants(zone))
    saves: dict[datetime, Save] = {}
    for _ in range(draw(st.integers(1, 4))):
        at = max(created, draw(instants(zone)))
        saves[at] = Save(
            at,
            draw(st.sampled_from(["Open", "Open", "Proposal", "Won", "Lost"])),
            draw(st.sampled_from([None, 0, 1, 100, 3_333, -5_001, 100_000])),
            draw(st.dates(date(2025, 12, 1), date(2027, 1, 31))),
        )
    one = Deal(
        str(deal(number)["opportunity_id"]),
        created,
        list(saves.values()),
        draw(st.sampled_from(sorted(PEOPLE))),
    )
    if draw(st.booleans()):
        one.former_owner = draw(st.sampled_from(sorted(PEOPLE)))
        one.owner_changed = draw(instants(zone))
    if draw(st.integers(0, 2)) == 0:
        parts = draw(st.sampled_from(SHARES))
        owners = draw(st.permutations(sorted(PEOPLE)))[: len(parts)]
        one.shares = {owner: Fraction(part) for owner, part in zip(owners, parts, strict=True)}
        one.shared_at = draw(instants(zone))
    if draw(st.integers(0, 4)) == 0:
        one.deleted = max(created, draw(instants(zone)))
    return one


@st.composite
def firms(draw: st.DrawFn) -> Firm:
    """Draw an organisation."""
    zone = draw(st.sampled_from(ZONES))
    lines = [
        Line(
            owner,
            draw(st.sampled_from([0, 1_200_00, 100_01, 7])),
            revision,
            None if revision == 1 else draw(st.dates(date(2025, 2, 1), date(2027, 3, 1))),
        )
        for owner in PEOPLE
        for revision in range(1, draw(st.integers(1, 3)) + 1)
    ]
    return Firm(
        zone,
        draw(st.integers(1, 12)),
        draw(st.booleans()),
        draw(st.booleans()),
        {owner: TEAMS[role] for owner, role in PEOPLE.items()},
        [draw(deals(number, zone)) for number in range(1, draw(st.integers(1, 5)) + 1)],
        lines,
    )


def tables_of(firm: Firm, month: YearMonth) -> MonthOf:
    """Return the tables that the product makes of the same organisation."""
    records, history, changes, splits = [], [], [], []
    for number, one in enumerate(firm.deals, start=1):
        latest = max(one.saves, key=lambda each: each.at)
        records.append(
            deal(
                number,
                created_at=one.created,
                owner_id=one.owner,
                is_deleted=one.deleted is not None,
                modified_at=one.deleted or latest.at,
                stage_name=latest.stage,
                close_date=latest.close,
                amount=None if latest.cents is None else Decimal(latest.cents) / 100,
            )
        )
        history += [
            {
                "history_id": f"008{number:03d}{n:09d}",
                "opportunity_id": one.name,
                "created_at": each.at,
                "stage_name": each.stage,
                "amount": None if each.cents is None else Decimal(each.cents) / 100,
                "close_date": each.close,
            }
            for n, each in enumerate(one.saves)
        ]
        if one.owner_changed is not None:
            changes.append(
                {
                    "change_id": f"017{number:012d}",
                    "opportunity_id": one.name,
                    "created_at": one.owner_changed,
                    "field": "Owner",
                    "data_type": "EntityId",
                    "old_value": one.former_owner,
                    "new_value": one.owner,
                }
            )
        splits += [
            {
                "split_id": f"1JX{number:03d}{owner}",
                "opportunity_id": one.name,
                "owner_id": owner,
                "split_type_id": "149R",
                "percentage": Decimal(part.numerator) / part.denominator,
                "created_at": one.shared_at,
            }
            for owner, part in one.shares.items()
        ]
    revenue = {
        "split_type_id": "149R",
        "name": "Revenue",
        "split_field": "Amount",
        "is_active": True,
        "is_total_validated": True,
    }
    known = extract(
        records,
        history,
        changes,
        users=USERS,
        roles=ROLES,
        time_zone=firm.zone,
        splits=splits,
        split_types=[revenue],
    )
    year = int(plain.year_name(firm, month).removeprefix("FY"))
    lines = [
        target(
            line.owner,
            Decimal(line.cents) / 100,
            fiscal_year=year,
            revision=line.revision,
            effective_date=line.effective,
        )
        for line in firm.lines
    ]
    named, counted = (
        "end" if firm.named_by_end else "start",
        "current_period" if firm.is_overdue_counted else "separate",
    )
    policy = (
        f'[fiscal]\nstart_month = {firm.start_month}\nyear_name = "{named}"\n'
        f'time_zone = "{firm.zone}"\n[pipeline]\noverdue = "{counted}"'
    )
    return MonthOf(known, Month(*month), lines, policy, year)


def cents(table: pd.DataFrame, column: str, **where: str) -> dict[tuple[str, str], int]:
    """Return a column of money by grain and id."""
    for name, value in where.items():
        table = table.loc[table[name] == value]
    return {
        (grain, grain_id): int(amount * 100)
        for grain, grain_id, amount in table[["grain", "grain_id", column]].itertuples(index=False)
    }


def same(found: dict[tuple[str, str], int], wanted: dict[tuple[str, str], int], what: str) -> None:
    """Compare, where what is not there is nothing."""
    assert {key: value for key, value in found.items() if value} == {
        key: value for key, value in wanted.items() if value
    }, what


@given(firms(), st.sampled_from(MONTHS[1:]))
@examples(120)
def test_every_figure_is_what_the_definitions_say(firm: Firm, month: YearMonth) -> None:
    if not plain.states(firm, month):
        return
    its = tables_of(firm, month)
    year, (quarter, quarter_months) = (
        plain.year_of(firm, month),
        plain.quarter_of(firm, month),
    )
    so_far = {
        f"{month[0]}-{month[1]:02d}": [month],
        quarter: [each for each in quarter_months if each <= month],
        plain.year_name(firm, month): [each for each in year if each <= month],
    }
    for period, months in so_far.items():
        same(
            cents(its.attainment, "bookings", period=period),
            plain.bookings(firm, month, months),
            f"bookings {period}",
        )
        same(
            cents(its.attainment, "target", period=period),
            plain.targets(firm, month, months),
            f"target {period}",
        )
    following = plain.quarter_of(firm, plain.plus(quarter_months[-1], 1))
    after_that = plain.quarter_of(firm, plain.plus(following[1][-1], 1))
    whole = dict([(quarter, quarter_months), following, after_that])
    whole[plain.year_name(firm, month)] = year
    late = plain.overdue(firm, month)
    counted = its.coverage.assign(open_count=its.coverage["open_count"].astype("int64"))
    for period, months in whole.items():
        explained = plain.movement(firm, month, months)
        for column in plain.COLUMNS:
            same(
                cents(its.movement, column, period=period),
                {key: each[column] for key, each in explained.items()},
                f"{column} {period}",
            )
        if period == quarter and month == quarter_months[-1]:
            continue  # the coverage leaves out a quarter that is over
        for column, wanted in (
            ("bookings", plain.bookings(firm, month, months)),
            ("open_pipeline", plain.open_pipeline(firm, month, months)),
            ("overdue_pipeline", late),
        ):
            same(cents(its.coverage, column, period=period), wanted, f"{column} {period}")
        numbers = {
            (grain, grain_id): int(count)
            for grain, grain_id, count in counted.loc[
                counted["period"] == period, ["grain", "grain_id", "open_count"]
            ].itertuples(index=False)
        }
        same(numbers, plain.open_count(firm, month, months), f"open_count {period}")


@given(firms(), st.sampled_from(MONTHS[1:]))
@examples(30)
def test_a_movement_opens_with_what_the_month_before_closed_with(
    firm: Firm, month: YearMonth
) -> None:
    before = plain.plus(month, -1)
    if not plain.states(firm, before) or not plain.states(firm, month):
        return
    closed, opened = tables_of(firm, before), tables_of(firm, month)
    shared = set(closed.coverage["period"]) & set(opened.movement["period"])
    for period in shared:
        same(
            cents(opened.movement, "opening", period=period),
            cents(closed.coverage, "open_pipeline", period=period),
            period,
        )


def test_the_organisation_of_these_tests_is_called_as_the_plain_definitions_call_it() -> None:
    assert ORGANIZATION.company == "Acme"
