"""Client phasing, the work that follows, new pipeline by source, days of confirmation, and what-if."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sales import arrow as columns
from sales.calendar import Month
from sales.forecast import scenarios
from sales.forecast.client_phasing import client_phasing
from sales.forecast.delivery_load import DeliveryMonth, company_load
from sales.forecast.generation import creation, pipeline_generation
from sales.forecast.scenarios import (
    Addition,
    Change,
    UnknownDeal,
    UnthinkableChange,
    pushed_factor,
    what_if,
)
from sales.forecast.work import has_effort, work_of
from sales.forecast.work_capacity import WorkCapacity
from sales.statistics.close_dates import (
    CloseDateScore,
    close_date_score,
    days_of,
    expected_months,
)
from sales.statistics.deal_outcomes import DealForecast, ForecastBasis
from sales.statistics.point_in_time import LOST, OPEN, WON
from tests.sales.firms import MONTH, FirmMonth, firm_month, simulated

pytestmark = pytest.mark.slow

SEPTEMBER = Month(2023, 9)


def test_a_clients_months_are_its_bookings_and_its_chances() -> None:
    one = firm_month()
    table, deal_forecast = one.clients, one.forecast_basis.deals
    assert deal_forecast is not None
    coming = table.loc[table["month"] > str(MONTH)]
    by_hand = (
        float(
            (
                deal_forecast.win[:, 1:]
                * (deal_forecast.amount * deal_forecast.creep.mean())[:, None]
            ).sum()
        )
        / 100
    )
    assert float(coming["expected"].sum()) == pytest.approx(by_hand, rel=1e-4)
    last_year = one.credit.loc[
        one.credit["is_won"]
        & (one.credit["close_date"] >= Month(2022, 9).first_day)
        & (one.credit["close_date"] <= MONTH.last_day),
        "amount",
    ].sum()
    assert table.loc[table["month"] <= str(MONTH), "bookings"].sum() == last_year
    assert table.loc[table["month"] <= str(MONTH), "expected"].isna().all()
    assert table["delivery_days"].isna().all()


def with_effort(days: float, start: int | None, end: int | None) -> tuple[FirmMonth, pd.DataFrame]:
    """Return a month whose snapshot says that every deal takes so many days, between two days since the epoch."""
    one = firm_month()
    size = len(one.snapshot)
    spans = {"service_start": start, "service_end": end}
    service = {
        name: columns.series(pa.array([value] * size, pa.int32()).cast(pa.date32()))
        for name, value in spans.items()
    }
    return one, one.snapshot.assign(effort_days=columns.series(pa.array([days] * size)), **service)


def loaded(
    one: FirmMonth, snapshot: pd.DataFrame, basis: ForecastBasis | None = None
) -> list[DeliveryMonth]:
    """Return the delivery load of a snapshot."""
    work = work_of(snapshot, basis or one.forecast_basis, one.rules.calendar)  # type: ignore[arg-type]
    capacity = WorkCapacity((), one.rules.policy.clients)
    return company_load(work, (), capacity, MONTH, one.rules)


def test_work_is_laid_over_the_months_of_service_and_none_is_lost() -> None:
    """Every won deal takes 12 days from October to December 2023: a third in each."""
    october, december = (
        (Month(2023, 10).first_day - Month(1970, 1).first_day).days,
        (Month(2023, 12).last_day - Month(1970, 1).first_day).days,
    )
    one, snapshot = with_effort(12.0, october, december)
    won = int(columns.booleans(snapshot["is_won"]).sum())
    blind = ForecastBasis(one.forecast_basis.known, None)
    load = {each.month: each for each in loaded(one, snapshot, blind)}
    assert [load[Month(2023, n)].won_days for n in (9, 10, 11, 12)] == pytest.approx(
        [0, 4 * won, 4 * won, 4 * won]
    )
    assert client_phasing(snapshot, blind, MONTH, one.rules)[
        "delivery_days"
    ].sum() == pytest.approx(12 * won)


def test_open_deals_bring_work_by_their_chance_and_late_ones_later() -> None:
    one, snapshot = with_effort(12.0, None, None)
    deal_forecast = one.forecast_basis.deals
    assert deal_forecast is not None
    load = loaded(one, snapshot)
    # Confirmed in September, the work runs from October to December.
    assert load[0].expected_days == 0
    assert load[1].expected_days == pytest.approx(4 * deal_forecast.win[:, 1].sum())
    assert load[2].expected_days == pytest.approx(4 * deal_forecast.win[:, 1:3].sum())


def test_people_are_drafted_in_when_the_work_exceeds_what_can_be_done() -> None:
    _, snapshot = with_effort(30.0, None, None)
    one = FirmMonth(
        firm_month().extract, MONTH, policy="[clients]\ncapacity_days = 40\ndays_per_person = 10"
    )
    for each in loaded(one, snapshot):
        over = each.won_days + each.expected_days - 40
        assert each.people_short == max(0, int(np.ceil(over / 10 - 1e-9)))
    assert any(each.people_short for each in loaded(one, snapshot))
    assert has_effort(snapshot)
    assert not has_effort(one.snapshot)


def test_conversion_and_lead_time_by_source_are_those_of_the_past() -> None:
    known = firm_month().forecast_basis.known
    how = creation(known)
    assert how is not None
    counted = (
        (known.outcomes.amount > 0)
        & (known.created_month > known.month - 36)
        & (known.outcomes.status != 0)
    )
    won = counted & (known.outcomes.status == WON) & (known.outcomes.month <= known.month)
    overall = known.outcomes.amount[won].sum() / known.outcomes.amount[counted].sum()
    assert how.sources.to_pylist() == ["Referral", "Web"]
    assert (np.abs(how.conversion - overall) < 0.12).all()
    assert how.mix.sum() == pytest.approx(1)
    assert how.lead.sum() == pytest.approx(1)
    assert (how.lead_months > 0).all()


def test_what_is_required_of_months_to_come_would_close_the_gap_at_the_companys_own_conversion() -> (
    None
):
    one = firm_month()
    known, deals = one.forecast_basis.known, one.forecast_basis.deals
    how = creation(known)
    assert how is not None
    assert deals is not None
    ahead = one.generation.loc[one.generation["month"] > str(MONTH)]
    assert ahead["created"].isna().all()
    would_book = float(
        (columns.floats(ahead["required"]) * columns.floats(ahead["conversion"])).sum()
    )
    lacking = 0.0
    for step in range(1, 5):
        month = MONTH.plus(step)
        target = float(one.phased.loc[one.phased["month"] == str(month), "baseline_target"].sum())
        booked = float(known.bookings.amount[known.bookings.month == month.index].sum()) / 100
        lacking += max(
            0.0,
            target
            - booked
            - float((deals.win[:, step] * deals.amount).sum() * deals.creep.mean()) / 100,
        )
    assert would_book == pytest.approx(lacking, rel=1e-3)


def test_created_is_what_was_created_month_by_month_and_source_by_source() -> None:
    one = firm_month()
    known, table = one.forecast_basis.known, one.generation
    here = (known.created_month == Month(2023, 5).index) & (known.outcomes.amount > 0)
    assert float(table.loc[table["month"] == "2023-05", "created"].sum()) == pytest.approx(
        known.outcomes.amount[here].sum() / 100
    )
    early = FirmMonth(simulated().extract, Month(2020, 8))
    assert (
        pipeline_generation(
            early.forecast_basis, early.phased, early.month, early.rules, early.extract.extracted_at
        )["required"]
        .isna()
        .all()
    )


def outlook_of(*win: float) -> DealForecast:
    base = firm_month().forecast_basis.deals
    assert base is not None
    return replace(
        base,
        deals=base.deals.take(np.array([0])),
        win=np.array([[0.0, *win, *[0.0] * (12 - len(win))]]),
    )


def test_the_expected_month_is_the_middle_of_the_chances_given_that_it_is_won() -> None:
    assert expected_months(outlook_of(0.5))[0] == pytest.approx(1.5)
    assert expected_months(outlook_of(0.1, 0.1))[0] == pytest.approx(1.999)
    assert int(expected_months(outlook_of(0.1, 0.2, 0.1))[0]) == 2
    assert np.isnan(expected_months(outlook_of(0.0))[0])
    known = firm_month().forecast_basis.known
    assert columns.from_days(
        days_of(np.array([1.5]), known.month, firm_month().rules.calendar)
    ).to_pylist() == [SEPTEMBER.first_day.replace(day=16)]


def test_dates_are_shown_only_where_they_came_nearer_than_the_crms() -> None:
    score = close_date_score(firm_month().point_in_time, MONTH.index)
    assert score.deals >= 20
    assert score.ours < score.crm
    assert score.is_better
    assert not CloseDateScore(1.0, 1.0, 100).is_better
    assert not CloseDateScore(0.5, 1.0, 10).is_better


def thought(**change: object) -> dict[str, object]:
    one = firm_month()
    found = what_if(
        Change(**change),
        one.forecast_basis,
        one.snapshot,
        one.credit,
        one.phased,
        one.month,
        one.rules,
    )  # type: ignore[arg-type]
    return {each.period.kind: each for each in found.of_company()} | {"load": found.load_after}


def a_good_deal() -> str:
    one = firm_month()
    assert one.forecast_basis.deals is not None
    best = int(np.argmax(one.forecast_basis.deals.win[:, 1] * one.forecast_basis.deals.amount))
    return one.forecast_basis.known.deal_ids[int(one.forecast_basis.deals.deals.deal[best])].as_py()


def test_dropping_a_deal_takes_its_mean_off_the_landing_and_its_amount_off_the_pipeline() -> None:
    one, deal = firm_month(), a_good_deal()
    month = thought(drops=[deal])["month"]
    row = one.landing[
        (one.landing["grain"] == "company") & (one.landing["period_kind"] == "month")
    ].iloc[0]
    assert month.before.expected == row["expected"]  # type: ignore[attr-defined]
    assert month.before.hit_probability == pytest.approx(row["hit_probability"], abs=1e-6)  # type: ignore[attr-defined]
    assert month.after.expected < month.before.expected  # type: ignore[attr-defined]
    assert month.after.hit_probability < month.before.hit_probability  # type: ignore[attr-defined]
    assert month.after.coverage < month.before.coverage  # type: ignore[attr-defined]
    assert month.after_as_pushed is None  # type: ignore[attr-defined]


def test_moving_a_deal_within_the_year_costs_the_month_and_hardly_the_year() -> None:
    found = thought(moves=[(a_good_deal()[:15], Month(2023, 11))])
    month, quarter, year = (found[kind] for kind in ("month", "quarter", "year"))
    assert month.after.expected < month.before.expected  # type: ignore[attr-defined]
    assert quarter.after.expected < quarter.before.expected  # type: ignore[attr-defined]
    assert abs(year.after.expected - year.before.expected) < abs(
        month.after.expected - month.before.expected
    )  # type: ignore[attr-defined]
    assert year.after_as_pushed.expected <= year.after.expected  # type: ignore[attr-defined]


def test_business_that_is_certain_comes_on_top_to_the_cent_for_the_owner_of_the_clients_newest_deal() -> (
    None
):
    one, snapshot = with_effort(10.0, None, None)
    newest = snapshot.sort_values(["created_at", "opportunity_id"]).iloc[-1]
    added = Addition(newest["account_id"], SEPTEMBER, 12_345_67)
    found = what_if(
        Change(adds=[added]),
        one.forecast_basis,
        snapshot,  # type: ignore[arg-type]
        one.credit,
        one.phased,
        one.month,
        one.rules,
    )
    changed = {
        (each.grain, each.grain_id): each.after.expected - each.before.expected
        for each in found.periods
        if each.is_changed and each.period.kind == "month"
    }
    assert changed == {
        ("person", newest["owner_id"]): Decimal("12345.67"),
        ("team", newest["team"]): Decimal("12345.67"),
        ("company", "Simulated Firm"): Decimal("12345.67"),
    }
    its_own = snapshot[(snapshot["account_id"] == newest["account_id"]) & snapshot["is_won"]]
    days = 12345.67 * 10 * len(its_own) / float(its_own["amount"].sum())
    more = [
        other.expected_days - each.expected_days
        for each, other in zip(found.load_before, found.load_after, strict=True)
    ]
    assert more == pytest.approx([0.0, days / 3, days / 3, days / 3, *[0.0] * 8])
    assert {(each.of, str(each.month)) for each in found.work} == {
        (name, f"2023-{month}")
        for name in (newest["team"], newest["account_name"])
        for month in (10, 11, 12)
    }


def test_business_of_a_client_without_won_work_takes_what_the_companys_takes() -> None:
    _, snapshot = with_effort(10.0, None, None)
    won = snapshot[snapshot["is_won"]]
    client = snapshot["account_id"].iloc[0]
    others = won[won["account_id"] != client]
    lost = snapshot.assign(is_won=snapshot["is_won"] & (snapshot["account_id"] != client))
    days = scenarios._days_of(lost, Addition(client, SEPTEMBER, 1_000_00), 2)
    assert days == pytest.approx(1000 * 10 * len(others) / float(others["amount"].sum()))


def test_what_cannot_be_thought_is_a_sentence() -> None:
    with pytest.raises(UnknownDeal, match="'006X' is no deal that is open at the end of 2023-08"):
        thought(drops=["006X"])
    with pytest.raises(
        UnthinkableChange, match="2025-01 is not within the 12 months after 2023-08"
    ):
        thought(moves=[(a_good_deal(), Month(2025, 1))])
    for far in (Month(2023, 8), Month(2025, 1)):
        with pytest.raises(UnthinkableChange, match=f"{far} is not within the 12 months"):
            thought(adds=[Addition("001A", far, 1)])
    early = FirmMonth(simulated().extract, Month(2020, 9))
    with pytest.raises(UnthinkableChange, match="too little history at the end of 2020-09"):
        what_if(
            Change(),
            early.forecast_basis,
            early.snapshot,
            early.credit,
            early.phased,
            early.month,
            early.rules,
        )


def test_the_factor_of_pushed_deals_by_hand() -> None:
    """Of 50 decided deals 25 were won; of the 10 that were pushed 2: (2 + 20 x 0.5) / (10 + 20) / 0.5 = 0.8."""
    status = np.array([WON] * 25 + [LOST] * 25 + [OPEN] * 5)
    pushed = [0, 1, *range(25, 33), 50]
    deals = np.arange(55)
    known = SimpleNamespace(
        deal_ids=pa.array([str(n) for n in deals]),
        past=SimpleNamespace(deal=deals, pushes=np.isin(deals, pushed).astype(np.int64)),
        outcomes=SimpleNamespace(status=status),
    )
    assert pushed_factor(known) == pytest.approx(0.8)  # type: ignore[arg-type]
    known.outcomes.status = np.full(55, OPEN)
    assert pushed_factor(known) == 1.0  # type: ignore[arg-type]


def test_pushed_deals_fare_at_most_as_well_as_all() -> None:
    assert 0 < pushed_factor(firm_month().forecast_basis.known) <= 1
