from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce.auth import Login
from connectors.salesforce.pull import SalesforceClient
from connectors.storage.extracts import as_extract
from embedded_org.company import company
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import DEFAULT_CREDENTIAL
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.history import snapshot
from sales.history.reconstruction import PipelineHistory, UnknownStage, UnreadableAmount
from sales.history.record_types import UnknownRecordType
from sales.money import AmountTooLarge, MissingRate
from tests.examples import examples
from tests.fakes import at, deal, extract, pulled, rules, saved

pytestmark = pytest.mark.slow

MARCH = Month(2026, 3)


def state(one: object, month: Month = MARCH, policy: str = "") -> pd.DataFrame:
    history = PipelineHistory(one, "EUR", 2)  # type: ignore[arg-type]
    return snapshot.opportunity_snapshot(history, month, rules(policy))


def cell(table: pd.DataFrame, column: str) -> object:
    assert len(table) == 1
    return table[column].iloc[0]


def test_the_last_row_before_the_instant_counts_and_nothing_at_it() -> None:
    rows = [
        saved(1, "2026-01-05 10:00", amount=100),
        saved(1, "2026-03-31 23:59", amount=200, stage_name="Proposal"),
        saved(1, "2026-04-01 00:00", amount=300, stage_name="Won"),
    ]
    table = state(extract([deal(1, stage_name="Won", amount=300)], rows))
    assert (cell(table, "amount"), cell(table, "stage_name"), cell(table, "is_open")) == (
        Decimal("200.00"),
        "Proposal",
        True,
    )
    assert cell(table, "stage_entered_at") == at("2026-03-31 23:59")


def test_rows_of_one_second_are_ordered_by_id_with_case() -> None:
    """Record ids are case-sensitive: `a` comes after `B`, byte by byte."""
    rows = [
        saved(1, "2026-02-01 10:00", history_id="008B", amount=1),
        saved(1, "2026-02-01 10:00", history_id="008a", amount=2),
        saved(1, "2026-02-01 10:00", history_id="008A", amount=3),
    ]
    assert cell(state(extract([deal(1)], rows)), "amount") == Decimal("2.00")


def test_a_deal_reopened_later_counts_as_closed_and_one_reopened_before_as_open() -> None:
    """Otherwise restating a quarter moves its bookings."""
    rows = [
        saved(1, "2026-01-05 10:00"),
        saved(1, "2026-02-01 10:00", stage_name="Lost"),
        saved(1, "2026-02-20 10:00", stage_name="Open"),
        saved(1, "2026-04-20 10:00", stage_name="Won"),
    ]
    one = extract([deal(1, stage_name="Won")], rows)
    assert cell(state(one, Month(2026, 1)), "is_open")
    assert cell(state(one, Month(2026, 2)), "is_open")
    assert cell(state(one, Month(2026, 3)), "is_open")
    assert cell(state(one, Month(2026, 4)), "is_won")


def test_close_reopen_close_within_one_month_ends_where_it_ended() -> None:
    rows = [
        saved(1, "2026-01-05 10:00"),
        saved(1, "2026-03-02 10:00", stage_name="Won"),
        saved(1, "2026-03-10 10:00", stage_name="Open"),
        saved(1, "2026-03-20 10:00", stage_name="Lost"),
    ]
    table = state(extract([deal(1)], rows))
    assert (cell(table, "is_open"), cell(table, "is_won")) == (False, False)


def test_deleted_before_is_gone_and_deleted_after_still_counts() -> None:
    deals = [
        deal(1, is_deleted=True, modified_at=at("2026-03-31 23:59")),
        deal(2, is_deleted=True, modified_at=at("2026-04-01 00:00")),
    ]
    table = state(extract(deals, [saved(1, "2026-01-05 10:00"), saved(2, "2026-01-05 10:00")]))
    assert table["opportunity_id"].tolist() == [deals[1]["opportunity_id"]]


def test_a_migrated_deal_takes_its_first_row_and_says_so() -> None:
    table = state(
        extract(
            [deal(1)],
            [saved(1, "2026-05-01 10:00", amount=70), saved(1, "2026-06-01 10:00", amount=90)],
        )
    )
    assert cell(table, "amount") == Decimal("70.00")
    assert [
        cell(table, f"{name}_provenance") for name in ("amount", "close_date", "stage", "owner")
    ] == ["assumed"] * 4
    assert cell(table, "stage_entered_at") is pd.NA


def test_a_deal_without_any_history_takes_the_record_and_says_so() -> None:
    table = state(extract([deal(1, amount=55)], []))
    assert (cell(table, "amount"), cell(table, "amount_provenance")) == (
        Decimal("55.00"),
        "assumed",
    )


def owner_change(number: int, when: str, old: str, new: str, **more: object) -> dict[str, object]:
    return {
        "change_id": f"017{when}{number}{old}",
        "opportunity_id": f"006{number:012d}AAA",
        "created_at": at(when),
        "field": "Owner",
        "data_type": "EntityId",
        "old_value": old,
        "new_value": new,
        **more,
    }


def test_the_owner_is_the_old_value_of_the_first_change_after() -> None:
    changes = [
        owner_change(1, "2026-02-01 10:00", "005C", "005B"),
        owner_change(1, "2026-04-01 00:00", "005B", "005D"),
        owner_change(1, "2026-05-01 00:00", "005D", "005A"),
        owner_change(1, "2026-04-01 00:00", "Bob", "Dora", data_type="Text", change_id="0170"),
    ]
    one = extract([deal(1, owner_id="005A")], [saved(1, "2026-01-05 10:00")], changes)
    assert cell(state(one, MARCH), "owner_id") == "005B"
    assert cell(state(one, Month(2026, 1)), "owner_id") == "005C"
    assert cell(state(one, Month(2026, 5)), "owner_id") == "005A"


def test_owner_ids_are_recognised_without_a_data_type_and_under_the_other_spelling() -> None:
    change = owner_change(
        1,
        "2026-04-02 10:00",
        "005000000000001AAA",
        "005000000000002AAA",
        data_type=None,
        field="OwnerId",
    )
    one = extract(
        [deal(1, owner_id="005000000000002AAA")], [saved(1, "2026-01-05 10:00")], [change]
    )
    assert cell(state(one), "owner_id") == "005000000000001AAA"


def test_owner_provenance_depends_on_tracking_before_the_instant_only() -> None:
    """A change recorded later must not make the past better known."""
    deals, history = (
        [deal(1), deal(2)],
        [saved(1, "2026-01-05 10:00"), saved(2, "2026-01-05 10:00")],
    )
    late = state(extract(deals, history, [owner_change(1, "2026-05-01 10:00", "005B", "005A")]))
    early = state(extract(deals, history, [owner_change(2, "2026-02-01 10:00", "005B", "005A")]))
    assert late["owner_provenance"].tolist() == ["assumed", "assumed"]
    assert early["owner_provenance"].tolist() == ["history", "history"]


def test_pushes_count_moves_to_a_later_month_and_never_fall() -> None:
    rows = [
        saved(1, "2026-01-05 10:00", close_date=date(2026, 2, 10)),
        saved(1, "2026-01-20 10:00", close_date=date(2026, 2, 27)),  # same month: no push
        saved(1, "2026-02-10 10:00", close_date=date(2026, 4, 1)),
        saved(1, "2026-02-20 10:00", close_date=date(2026, 3, 1)),  # earlier: no push
        saved(1, "2026-03-05 10:00", close_date=date(2026, 5, 1)),
    ]
    table = state(extract([deal(1), deal(2)], [*rows, saved(2, "2026-01-05 10:00")]))
    assert table["push_count"].tolist() == [2, 0]
    assert table["last_pushed_at"].tolist() == [at("2026-03-05 10:00"), pd.NA]


def test_a_stage_that_nobody_explains_stops_and_the_policy_can_explain_it() -> None:
    one = extract([deal(1)], [saved(1, "2026-01-05 10:00", stage_name="Old won")])
    with pytest.raises(UnknownStage, match=r"'Old won'.*\[pipeline.stages\]"):
        state(one)
    assert cell(state(one, policy='[pipeline.stages]\n"Old won" = "won"'), "is_won")


def test_a_foreign_amount_is_converted_once_with_the_rate_at_its_close_date() -> None:
    rates = [
        {"currency_code": "USD", "rate": "2"},
        {
            "currency_code": "USD",
            "rate": "3",
            "start_date": date(2026, 6, 1),
            "next_start_date": date(2026, 7, 1),
        },
    ]
    rows = [
        saved(1, "2026-01-05 10:00", amount="100.00", currency_code="USD"),
        saved(
            2, "2026-01-05 10:00", amount="100.00", currency_code="USD", close_date=date(2026, 7, 1)
        ),
    ]
    table = state(extract([deal(1), deal(2)], rows, rates=rates))
    assert table["amount"].tolist() == [Decimal("33.33"), Decimal("50.00")]
    assert table["amount_local"].tolist() == [Decimal("100.00"), Decimal("100.00")]


def test_a_foreign_amount_without_a_rate_is_an_error_that_names_the_currency() -> None:
    with pytest.raises(MissingRate, match="no CHF rate"):
        state(extract([deal(1)], [saved(1, "2026-01-05 10:00", currency_code="CHF")]))


def test_a_policy_in_another_currency_than_the_corporate_one_converts_both_ways() -> None:
    rates = [{"currency_code": "EUR", "rate": "1"}, {"currency_code": "NZD", "rate": "2"}]
    rows = [
        saved(1, "2026-01-05 10:00", amount=100, currency_code="EUR"),
        saved(2, "2026-01-05 10:00", amount=100, currency_code="NZD"),
    ]
    history = PipelineHistory(extract([deal(1), deal(2)], rows, rates=rates), "NZD", 2)
    table = snapshot.opportunity_snapshot(history, MARCH, rules('[fiscal]\ncurrency = "NZD"'))
    assert table["amount"].tolist() == [Decimal("200.00"), Decimal("100.00")]


def test_a_large_sum_of_a_small_currency_is_judged_after_conversion() -> None:
    rates = [{"currency_code": "VND", "rate": "25000"}]
    rows = [
        saved(1, "2026-01-05 10:00", amount=10**13, currency_code="VND"),
        saved(2, "2026-01-05 10:00", amount=10**15),
    ]
    assert cell(state(extract([deal(1)], rows[:1], rates=rates)), "amount") == Decimal(
        "400000000.00"
    )
    with pytest.raises(AmountTooLarge):
        state(extract([deal(1), deal(2)], rows, rates=rates))


ACV = "ACV__c"


def acv(changes: list[dict[str, object]], today: object, **more: object) -> pd.DataFrame:
    one = extract(
        [deal(1, custom_amount=today, currency_code=more.pop("currency_code", None))],
        [saved(1, "2026-01-05 10:00", amount=1)],
        changes,
        **more,
    )  # type: ignore[arg-type]
    history = PipelineHistory(one, "EUR", 2, amount_field=ACV)
    return snapshot.opportunity_snapshot(
        history, MARCH, rules(f'[pipeline]\namount_field = "{ACV}"')
    )


def changed(when: str, old: str | None) -> dict[str, object]:
    return {
        "change_id": f"017{when}",
        "opportunity_id": "006000000000001AAA",
        "created_at": at(when),
        "field": ACV,
        "data_type": "Currency",
        "old_value": old,
    }


def test_a_custom_amount_takes_its_past_from_field_history() -> None:
    tracked = [changed("2026-02-10 10:00", "500"), changed("2026-04-10 10:00", "7.5E+2")]
    table = acv(tracked, "900")
    assert (
        cell(table, "amount"),
        cell(table, "amount_local"),
        cell(table, "amount_provenance"),
    ) == (Decimal("750.00"), Decimal("750.00"), "history")
    table = acv([], "900")
    assert (cell(table, "amount"), cell(table, "amount_provenance")) == (
        Decimal("900.00"),
        "assumed",
    )
    assert acv(tracked[:1], None)["amount"].isna().all()  # null is null, never zero


def test_a_custom_amount_is_converted_like_any_other() -> None:
    rates = [{"currency_code": "EUR", "rate": 1}, {"currency_code": "USD", "rate": "1.25"}]
    one = extract(
        [deal(1, custom_amount="100", currency_code="USD")],
        [saved(1, "2026-01-05 10:00", amount=1, currency_code="USD")],
        rates=rates,
    )
    its = PipelineHistory(one, "EUR", 2, amount_field=ACV)
    assert cell(snapshot.opportunity_snapshot(its, MARCH, rules()), "amount") == Decimal("80.00")


def test_a_custom_amount_whose_history_is_text_stops() -> None:
    with pytest.raises(UnreadableAmount, match="ACV__c holds a value that is no amount"):
        acv([changed("2026-04-10 10:00", "about 500")], "900")


def test_only_the_record_types_that_policy_names_count() -> None:
    types = [
        {"record_type_id": "012N", "developer_name": "New_Business", "name": "New business"},
        {"record_type_id": "012R", "developer_name": "Renewal"},
    ]
    deals = [deal(1, record_type_id="012N"), deal(2, record_type_id="012R"), deal(3)]
    one = extract(deals, [saved(n, "2026-01-05 10:00") for n in (1, 2, 3)], record_types=types)

    def ids(*wanted: str) -> list[str]:
        history = PipelineHistory(one, "EUR", 2, record_types=wanted)
        return snapshot.opportunity_snapshot(history, MARCH, rules())["opportunity_id"].tolist()

    assert ids("New_Business") == ids("New business") == ["006000000000001AAA"]
    assert len(ids()) == 3
    with pytest.raises(
        UnknownRecordType, match=r"names 'Upsell'.*there are: New_Business, Renewal"
    ):
        ids("Upsell")


def test_what_our_own_copy_of_a_month_end_saw_is_not_assumed() -> None:
    one = extract([deal(1)], [saved(1, "2026-01-05 10:00"), saved(1, "2026-05-05 10:00")])
    its = PipelineHistory(one, "EUR", 2)
    table = snapshot.opportunity_snapshot(its, MARCH, rules(), is_copy=True)
    assert (cell(table, "stage_provenance"), cell(table, "owner_provenance")) == (
        "history",
        "snapshot",
    )
    migrated = extract([deal(1)], [saved(1, "2026-05-05 10:00")])
    table = snapshot.opportunity_snapshot(
        PipelineHistory(migrated, "EUR", 2), MARCH, rules(), is_copy=True
    )
    assert cell(table, "stage_provenance") == "snapshot"


def test_a_queue_that_owns_a_deal_has_a_name_and_no_team() -> None:
    one = extract(
        [deal(1, owner_id="00GQ")],
        [saved(1, "2026-01-05 10:00")],
        queues=[{"queue_id": "00GQ", "name": "Inbound"}],
    )
    assert (cell(state(one), "owner_name"), cell(state(one), "team")) == ("Inbound", "Unassigned")


def test_a_month_end_at_which_every_deal_was_deleted_is_refused_in_a_sentence() -> None:
    one = extract(
        [deal(1, is_deleted=True, modified_at=at("2026-02-05 10:00"))],
        [saved(1, "2026-01-05 10:00")],
    )
    assert len(state(one, Month(2026, 1))) == 1
    with pytest.raises(snapshot.NothingYet, match="all had been deleted"):
        state(one)


FUTURE = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.integers(0, 200),
        st.sampled_from(["Open", "Won", "Lost"]),
        st.integers(0, 10**9),
        st.booleans(),
    ),
    max_size=12,
)


@examples(60)
@given(FUTURE, st.sets(st.integers(1, 6)))
def test_nothing_recorded_at_or_after_the_instant_changes_a_number(
    future: list[tuple[int, int, str, int, bool]], deleted: set[int]
) -> None:
    past = [saved(n, f"2026-02-0{n} 10:00", amount=n * 10) for n in range(1, 7)]
    before = state(extract([deal(n) for n in range(1, 7)], past))
    instant = at("2026-04-01 00:00")
    later = [
        saved(
            n,
            "2026-04-01 00:00",
            history_id=f"zz{i}",
            created_at=instant + timedelta(hours=hours),
            stage_name=stage,
            amount=amount,
        )
        for i, (n, hours, stage, amount, _) in enumerate(future)
    ]
    moved = [
        owner_change(
            n,
            "2026-04-01 00:00",
            "005A",
            "005Z",
            change_id=f"017{i}",
            created_at=instant + timedelta(hours=hours),
        )
        for i, (n, hours, _, _, changed) in enumerate(future)
        if changed
    ]
    today = [
        deal(
            n,
            is_deleted=n in deleted,
            modified_at=instant + timedelta(days=1),
            stage_name="Won",
            amount=7,
        )
        for n in range(1, 7)
    ]
    owners = {change["opportunity_id"]: "005Z" for change in moved}
    today = [each | {"owner_id": owners.get(each["opportunity_id"], "005A")} for each in today]
    born = deal(9, created_at=instant)
    after = state(extract([*today, born], [*past, *later, saved(9, "2026-04-01 00:00")], moved))
    pd.testing.assert_frame_equal(before, after)


@pytest.fixture(scope="module")
def firm_and_history(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, PipelineHistory]:
    firm = company(11, (2026, 2))
    with serving(OrgServer(firm.org())) as address:
        pull = pulled(
            SalesforceClient(Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)),
            tmp_path_factory.mktemp("home"),
        )
    return firm, PipelineHistory(
        as_extract(pull.tables, "firm", datetime(2026, 3, 1, tzinfo=UTC)), "GBP", 2
    )


def test_reconstruction_is_the_truth_at_every_month_end_of_the_firms_life(
    firm_and_history: tuple[object, PipelineHistory],
) -> None:
    firm, history = firm_and_history
    its_rules = rules('[fiscal]\ntime_zone = "Europe/London"')
    month, compared = Month.of(firm.first_day), 0
    while month <= Month(*firm.last_month):
        table = snapshot.opportunity_snapshot(history, month, its_rules)
        truth = firm.state_at(its_rules.calendar.as_of(month))
        found = {
            row.opportunity_id: (
                row.name,
                row.account_id,
                row.owner_id,
                row.stage_name,
                None if row.amount is pd.NA else float(row.amount),
                row.close_date,
            )
            for row in table.itertuples(index=False)
        }
        wanted = {
            key: (s.name, s.account_id, s.owner_id, s.stage, s.amount, s.close_date)
            for key, s in truth.items()
        }
        assert found == wanted, month
        assert not reconciliation.no_fact_after_as_of(table)
        compared += len(found)
        month = month.plus(1)
    assert compared > 10_000


def test_one_month_alone_equals_the_same_month_among_many(
    firm_and_history: tuple[object, PipelineHistory],
) -> None:
    _, history = firm_and_history
    instants = [int(history.created_at.min()) + n * 86_400_000_000 * 30 for n in range(1, 20)]
    together = [history.at(instant) for instant in instants]
    for instant, state_then in zip(reversed(instants), reversed(together), strict=True):
        alone = history.at(instant)
        assert np.array_equal(alone.amount, state_then.amount)
        assert np.array_equal(alone.row, state_then.row)
