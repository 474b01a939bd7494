from datetime import UTC, datetime

import pytest

from assets.metadata.lineage import LINEAGE
from assets.metadata.tables import column_schema, digest, preview
from sales.contracts.contract import Money
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.published import MONTHLY
from sales.contracts.raw import RAW
from sales.contracts.targets import TargetAttainment
from tests.fakes import at, frame


def row(**more: object) -> dict[str, object]:
    return {
        "as_of_month": "2026-03",
        "grain": "team",
        "grain_id": "A|<b>\x07",
        "period_kind": "month",
        "period": "2026-03",
        "target": 1,
        "rephased_target": 1,
        "bookings": 1,
        "variance": 0,
        "status": "ok",
        "as_of": at("2026-04-01 00:00"),
        **more,
    }


def test_the_data_version_is_of_the_content_not_of_the_reading() -> None:
    one = frame(TargetAttainment, [row(extracted_at=datetime(2026, 4, 1, tzinfo=UTC))])
    later = frame(TargetAttainment, [row(extracted_at=datetime(2026, 5, 1, tzinfo=UTC))])
    other = frame(TargetAttainment, [row(bookings=2)])
    assert digest(one) == digest(later) != digest(other)


def test_previews_show_no_client_and_no_markup() -> None:
    shown = preview(frame(TargetAttainment, [row(grain="company")]))
    assert "A\\|&lt;b>" in shown
    deal = {
        "month": "2026-03",
        "opportunity_id": "006",
        "name": "Secret client",
        "account_name": "Secret client",
        "amount": 12345,
        "owner_id": "005",
    }
    hidden = preview(frame(OpportunitySnapshot, [deal]))
    assert "Secret" not in hidden
    assert "12345" not in hidden


@pytest.mark.parametrize("grain", ["person", "team"])
@pytest.mark.parametrize("name", MONTHLY)
def test_previews_show_no_money_of_a_person_a_team_a_client_or_a_deal(
    name: str, grain: str
) -> None:
    contract = MONTHLY[name]
    money = [
        each
        for each, column in contract.to_schema().columns.items()
        if isinstance(column.dtype, Money)
    ]
    row = dict.fromkeys(money, 98_765_432) | {
        "grain": grain,
        "grain_id": "005A",
        "account_id": "001SECRET",
    }
    shown = preview(frame(contract, [row]))
    assert "98765432" not in shown
    assert "001SECRET" not in shown


def test_every_table_has_a_schema_in_plain_words() -> None:
    types = {
        column.type
        for name, contract in (MONTHLY | RAW).items()
        for column in column_schema(contract, LINEAGE[name]).columns
    }
    assert types == {"text", "money", "number", "whole number", "yes or no", "date", "instant"}


def test_a_column_says_in_words_where_it_comes_from() -> None:
    told = {
        column.name: column.description
        for column in column_schema(MONTHLY["closing_plan"], LINEAGE["closing_plan"]).columns
    }
    assert (
        told["amount"]
        == "Amount; empty where the deal has none. From opportunity_snapshot (amount)."
    )
    assert told["as_of_month"] == "Month. Stated by the run or the rules."
    assert "raw_organization (3 columns)" not in str(told["days_overdue"])
    assert "raw_organization (fiscal_year_start_month, names_year_by_start, time_zone)" in str(
        told["days_overdue"]
    )
