from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from sales.calendar import Month
from sales.checks import findings as quality
from sales.contracts.history import BookingCredit
from sales.contracts.targets import PhasedTargets
from sales.history import snapshot
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory
from sales.targets import quotas
from sales.targets.annual_targets import AnnualTarget, InvalidTarget
from sales.targets.phased_targets import plan
from sales.targets.quotas import ManagerQuota, UnclearQuotas
from tests.fakes import deal, extract, frame, rules, saved

USERS = [
    {
        "user_id": "005M",
        "name": "Mae",
        "username": "m",
        "is_active": True,
        "role_id": "00EM",
        "manager_id": None,
    },
    {
        "user_id": "005A",
        "name": "Ann",
        "username": "a",
        "is_active": True,
        "role_id": "00EN",
        "manager_id": "005M",
    },
    {
        "user_id": "005B",
        "name": "Bob",
        "username": "b",
        "is_active": True,
        "role_id": "00EN",
        "manager_id": "005M",
    },
]
ROLES = [
    {"role_id": "00EM", "name": "Head"},
    {"role_id": "00EN", "name": "North", "parent_role_id": "00EM"},
]


def quota(owner: str, month: int, amount: object, **more: object) -> dict[str, object]:
    return {
        "quota_id": f"0J9{owner}{month}{more.get('forecasting_type', '')}",
        "owner_id": owner,
        "forecasting_type": "Revenue",
        "start_date": date(2026, month, 1),
        "end_date": date(2026, month, 28),
        "amount": amount,
        **more,
    }


def monthly(
    owner: str, amount: object, months: range = range(1, 13), **more: object
) -> list[dict[str, object]]:
    return [quota(owner, month, amount, **more) for month in months]


ALL = [*monthly("005M", 350), *monthly("005A", 100), *monthly("005B", 200, range(3, 10))]


def book(
    rows: list[dict[str, object]], policy: str = ""
) -> dict[str, tuple[Decimal, date | None, date | None]]:
    one = extract([], [], users=USERS, roles=ROLES, quotas=rows)
    table = quotas.quota_book(one.quotas, one.users, one.roles, rules(policy))
    return {
        row.owner_id: (
            row.annual_target,
            row.start_date if isinstance(row.start_date, date) else None,
            row.end_date if isinstance(row.end_date, date) else None,
        )
        for row in table.itertuples(index=False)
    }


@pytest.mark.parametrize("team_by", ["role", "manager"])
def test_individual_quotas_are_the_targets_and_a_managers_is_compared(team_by: str) -> None:
    policy = f'[pipeline]\nteam_by = "{team_by}"'
    assert book(ALL, policy) == {
        "005A": (Decimal(1200), None, None),
        "005B": (Decimal(1400), date(2026, 3, 1), date(2026, 9, 28)),
    }
    one = extract([], [], users=USERS, roles=ROLES, quotas=ALL)
    assert quotas.manager_quotas(one.quotas, one.users, one.roles, rules(policy)) == [
        ManagerQuota(2026, "005M", Decimal(4200), Decimal(2600))
    ]


def stated(rows: list[dict[str, object]], policy: str = "") -> dict[str, list[Fraction]]:
    one = extract([], [], users=USERS, roles=ROLES, quotas=rows)
    table = quotas.quota_book(one.quotas, one.users, one.roles, rules(policy))
    return {
        row.owner_id: [Fraction(each) for each in row.stated_months.split()]
        for row in table.itertuples(index=False)
    }


def test_months_stay_as_salesforce_states_them() -> None:
    rising = [quota("005A", month, 20_000 + 100 * month) for month in range(1, 13)]
    months = [Fraction(20_000 + 100 * month) for month in range(1, 13)]
    assert stated(rising) == {"005A": months}
    target = AnnualTarget(2026, "005A", 1, 247_800_00, None, None, "", tuple(months))
    as_stated = [100 * int(each) for each in months]
    assert plan(target, rules()).baseline == as_stated
    assert plan(target, rules('[phasing]\nmethod = "stated"')).baseline == as_stated
    assert plan(target, rules('[phasing]\nmethod = "even"')).baseline == [20_650_00] * 12
    bare = AnnualTarget(2026, "005A", 1, 100, None, None, "")
    with pytest.raises(InvalidTarget, match="without months"):
        plan(bare, rules('[phasing]\nmethod = "stated"'))


def test_a_quota_of_a_quarter_is_laid_over_its_months() -> None:
    by_quarter = [
        quota("005A", month, 300, end_date=date(2026, month + 2, 28)) for month in (1, 4, 7, 10)
    ]
    assert stated(by_quarter) == {"005A": [Fraction(100)] * 12}
    unseen = [quota("005A", month, 300, end_date=None) for month in (1, 4, 7, 10)]
    assert stated(unseen) == {"005A": [Fraction(100)] * 12}
    with pytest.raises(UnclearQuotas, match="below zero"):
        stated([quota("005A", 1, -1)])


def test_a_seller_without_anybody_below_is_no_manager() -> None:
    assert book(monthly("005M", 10)) == {"005M": (Decimal(120), None, None)}


def test_one_forecasting_type_counts() -> None:
    two = [*monthly("005A", 100), *monthly("005A", 7, forecasting_type="Quantity")]
    with pytest.raises(
        UnclearQuotas, match="several forecasting types; choose one: .*Quantity, Revenue"
    ):
        book(two)
    assert book(two, '[targets]\nforecasting_type = "Revenue"')["005A"][0] == 1200
    with pytest.raises(UnclearQuotas, match="names 'Nothing'"):
        book(two, '[targets]\nforecasting_type = "Nothing"')


def test_quotas_in_two_currencies_and_no_quotas_at_all_stop() -> None:
    with pytest.raises(UnclearQuotas, match="are in EUR and in USD; state them in one currency"):
        book([quota("005A", 1, 1, currency_code="EUR"), quota("005A", 2, 1, currency_code="USD")])
    with pytest.raises(UnclearQuotas, match="sees no quota"):
        book([])


def test_a_managers_difference_is_listed() -> None:
    one = extract([deal(1)], [saved(1, "2026-01-05 10:00")], users=USERS, roles=ROLES)
    its, month = rules(), Month(2026, 3)
    snap = snapshot.opportunity_snapshot(PipelineHistory(one, "EUR", 2), month, its)
    compared = [
        ManagerQuota(2026, "005M", Decimal(4200), Decimal(2600)),
        ManagerQuota(2026, "005M", Decimal(1), Decimal(1)),
    ]
    nothing = frame(BookingCredit, []), frame(PhasedTargets, [])
    found = quality.data_quality(
        snap,
        *nothing,
        people(one, "role"),
        month,
        its,
        "00D",
        range(0x20, 0x500),
        quality.TargetNotes(compared),
    )
    listed = found.loc[found["finding"] == "manager_quota_differs"]
    assert listed[["record_id", "amount"]].to_numpy().tolist() == [["005M", Decimal("1600.00")]]
    assert "Mae's own quota differs" in listed["detail"].iloc[0]
