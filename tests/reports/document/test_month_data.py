"""What pages are made from: shares of deals."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd

from reports.document.month_data import GrainTables
from sales import arrow as columns
from tests.reports.months import MONTH, tables_of


def test_whoever_shares_a_deal_sees_it_with_their_part() -> None:
    tables, variant = tables_of(4)
    credit = tables.booking_credit
    row = credit.loc[~columns.booleans(credit["is_won"]) & (credit["owner_id"] == "005A")].iloc[:1]
    deal, whole = row["opportunity_id"].iloc[0], Decimal(row["amount"].iloc[0])
    part = Decimal(100)

    def share(owner: str, team: str, amount: Decimal) -> pd.DataFrame:
        dtype = credit["amount"].dtype
        return row.assign(
            owner_id=owner, team=team, amount=pd.Series([amount], row.index, dtype=dtype)
        ).astype(credit.dtypes.to_dict())

    shared = pd.concat(
        [
            credit.drop(row.index),
            share("005A", "North", whole - part),
            share("005B", "South", part),
        ],
        ignore_index=True,
    )
    data = GrainTables(replace(tables, booking_credit=shared), MONTH, variant.rules)
    amounts = {
        key: {each["opportunity_id"]: each["amount"] for each in data.deals.due(*key)}.get(deal)
        for key in (
            ("person", "005A"),
            ("person", "005B"),
            ("team", "North"),
            ("team", "South"),
            ("company", "Acme"),
        )
    }
    assert amounts == {
        ("person", "005A"): whole - part,
        ("person", "005B"): part,
        ("team", "North"): whole - part,
        ("team", "South"): part,
        ("company", "Acme"): whole,
    }
