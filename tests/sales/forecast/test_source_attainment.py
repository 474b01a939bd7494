"""New pipeline by the owner of its source, held against targets of three kinds."""

from decimal import Decimal

import pandas as pd
import pytest

from sales.calendar import Month
from sales.contracts.forecast import PipelineGeneration
from sales.forecast.source_attainment import source_attainment
from sales.policy.reading import parse_policy
from sales.policy.sections import InvalidPolicy
from tests.fakes import EXTRACTED_AT, ORGANIZATION, book, frame
from tests.sales.firms import firm_month


def made(source: str, month: int, required: int | None, created: int | None) -> dict[str, object]:
    return {
        "as_of_month": "2026-02",
        "source": source,
        "month": f"2026-{month:02d}",
        "required": required,
        "created": created,
        "conversion": 0.5 if source == "Web" else 0.25,
        "lead_months": 2.0,
        "as_of": EXTRACTED_AT,
        "extracted_at": EXTRACTED_AT,
    }


GENERATION = [
    made("Event", 1, 100, 100),
    made("Event", 2, 100, 300),
    made("Event", 3, 200, None),
    made("Web", 1, 300, 0),
    made("Web", 2, 300, 400),
    made("Web", 3, 200, None),
]


def attained(policy: str, rows: list[dict[str, object]] = GENERATION) -> pd.DataFrame:
    month, rules = Month(2026, 2), book(policy, 2026).for_month(Month(2026, 2), ORGANIZATION)
    table = source_attainment(frame(PipelineGeneration, rows), month, rules, EXTRACTED_AT)
    return table.set_index(["source_owner", "period_kind"])


def cells(table: pd.DataFrame, owner: str, kind: str) -> tuple[object, ...]:
    row = table.loc[(owner, kind)]
    return tuple(
        None if value is pd.NA else value
        for value in row[["target", "created", "attainment_pct", "number"]]
    )


def test_without_owners_each_source_answers_for_itself() -> None:
    table = attained("")
    assert cells(table, "Event", "month") == (100, 300, 300.0, 200)
    assert cells(table, "Event", "year") == (200, 400, 200.0, 200)
    assert set(table["period"]) == {"2026-02", "FY2026-Q1", "FY2026"}


def test_a_share_is_of_what_the_company_needs_and_an_amount_is_laid_over_the_year() -> None:
    """Marketing owns both; Web is to bring 1,200 a year and lacks nothing, Event half of all."""
    table = attained(
        '[sources]\nEvent = { owner = "Marketing", share = 0.5 }\n'
        'Web = { owner = "Marketing", amount = 1200 }\n'
    )
    # Half of 400 and a twelfth of 1,200; in March half of 400 and 100, for Web is 200 ahead.
    assert cells(table, "Marketing", "month") == (300, 700, pytest.approx(700 / 3), 300)
    assert cells(table, "Marketing", "year") == (600, 800, pytest.approx(800 / 6), 300)
    behind = attained('[sources]\nEvent = "Partners"\nWeb = { owner = "Ann", amount = 12000 }\n')
    # 2,000 were to be there and 400 are: a quarter more than the plan is the most that March takes.
    assert cells(behind, "Ann", "year") == (2000, 400, 20.0, Decimal("1160.00"))
    assert behind.loc[("Partners", "year"), "conversion"] == 0.25


def test_sources_that_nobody_owns_are_told_apart_and_an_unknown_need_stays_unknown() -> None:
    rows = [*GENERATION[:3], made("Web", 1, None, 0), made("Web", 2, None, 400)]
    table = attained('[sources]\nEvent = "Marketing"\n', rows)
    assert cells(table, "Unassigned", "year") == (None, 400, None, None)
    assert cells(table, "Marketing", "year") == (200, 400, 200.0, 200)


def test_a_source_has_a_share_or_an_amount() -> None:
    with pytest.raises(InvalidPolicy, match="keep one of them"):
        parse_policy('[sources]\nWeb = { owner = "A", share = 0.5, amount = 3 }\n', "fy2026.toml")


def test_a_source_that_brought_nothing_keeps_its_target() -> None:
    table = attained(
        '[sources]\nEvent = "M"\nWebinar = { owner = "M", amount = 1200 }\n', GENERATION[:3]
    )
    assert cells(table, "M", "year") == (400, 400, 100.0, 320)


def test_what_is_no_owner_is_said_and_a_wrong_key_too() -> None:
    for text, why in (
        ("Web = 5", "is no owner; name one"),
        ('Web = " "', "owner"),
        ('Web = { owner = "A", shar = 0.5 }', "did you mean 'share'"),
    ):
        with pytest.raises(InvalidPolicy, match=why):
            parse_policy(f"[sources]\n{text}\n", "fy2026.toml")


def test_owners_together_brought_what_was_created() -> None:
    firm = firm_month()
    table, generation = firm.sources, firm.generation
    now = generation[generation["month"] == str(firm.month)]
    months = table[table["period_kind"] == "month"]
    assert months["created"].sum() == now["created"].sum()
