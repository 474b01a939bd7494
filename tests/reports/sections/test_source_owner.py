"""The page of whoever owns lead sources: what is to be created, what was, and which deals came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from reports.document.document import MonthEndReport, Section
from reports.document.month_data import GrainTables
from reports.document.view import View
from reports.month_end import month_end_reports
from reports.sections.source_owner import source_sections, source_statements, source_tiles
from sales.contracts.coverage import DealChanges
from sales.contracts.forecast import PipelineGeneration, SourceAttainment
from tests.fakes import EXTRACTED_AT, frame
from tests.reports.months import tables_of
from tests.reports.sections.test_changes import changed, plain

OWNED = '[sources]\nWeb = "Marketing"\nEvent = "Marketing"\nPartner = "Partnerships"\n'


def attained(**year: object) -> pd.DataFrame:
    """Return what Marketing created: in April 30 of 40, in the year 90 of 120, 50 to come; and Partnerships nothing."""
    rows: list[Mapping[str, object]] = []
    for owner in ("Marketing", "Partnerships"):
        for kind, period, target, created in (
            ("month", "2026-04", 40_000, 30_000),
            ("quarter", "FY2026-Q2", 40_000, 30_000),
            ("year", "FY2026", 120_000, 90_000),
        ):
            row: dict[str, object] = {
                "source_owner": owner,
                "period_kind": kind,
                "period": period,
                "target": target,
                "created": created,
                "attainment_pct": 100.0 * created / target,
                "number": 50_000,
                "conversion": 0.25,
                "lead_months": 3.5,
                "as_of": EXTRACTED_AT,
                "extracted_at": EXTRACTED_AT,
            }
            rows.append({**row, **year} if kind == "year" else row)
    return frame(SourceAttainment, rows)


def made() -> pd.DataFrame:
    return frame(
        PipelineGeneration,
        [
            {
                "source": source,
                "month": f"2026-{month:02d}",
                "required": 10_000,
                "created": created,
                "conversion": 0.2,
                "lead_months": 4.0,
            }
            for source, month, created in (
                ("Web", 3, 60_000),
                ("Web", 4, 10_000),
                ("Event", 4, 20_000),
                ("Event", 5, None),
                ("Partner", 4, 7_000),
            )
        ],
    )


def view(**tables: pd.DataFrame) -> View:
    whole, variant = tables_of(4, OWNED)
    own = {"source_attainment": attained(), "pipeline_generation": made(), **tables}
    data = GrainTables(replace(whole, **own), variant.month, variant.rules)
    return View(data, variant, "company", variant.rules.company)


def said(one: View) -> list[str]:
    return [each.text for each in source_statements(one, "Marketing")]


def parts(one: View) -> dict[str, Section]:
    return {each.key: each for each in source_sections(one, "Marketing") if each is not None}


def test_the_page_says_what_is_to_come_what_came_and_where_the_year_stands() -> None:
    assert said(view()) == [
        "May 2026: €50k of new pipeline is to be created.",
        "April 2026 created €30k, 75% of the €40k that was needed.",
        "The year to date has €90k, 75% of the €120k that was needed: €30k behind.",
    ]
    tiles = source_tiles(view(), "Marketing")
    assert [(each.name, each.value, each.note) for each in tiles] == [
        ("To create in May 2026", "€50k", "new pipeline"),
        ("Created in April 2026", "€30k", "75% of €40k needed"),
        ("Created in the year", "€90k", "75% of €120k needed"),
        ("Converts", "25%", "booked after 3.5 months"),
    ]
    assert [each.is_short for each in tiles] == [False, True, True, False]


@pytest.mark.parametrize(
    ("created", "sentence"),
    [
        (Decimal(150_000), ": €30k ahead."),
        (Decimal(120_000), "The year to date has €120k, as much as was needed."),
    ],
)
def test_who_is_ahead_or_even_is_told_so(created: Decimal, sentence: str) -> None:
    year = attained(created=created, attainment_pct=float(created) / 1200)
    assert said(view(source_attainment=year))[-1].endswith(sentence)


def test_where_nobody_can_say_what_is_needed_nothing_is_held_against_it() -> None:
    table = attained()
    for name in ("target", "attainment_pct", "number", "conversion", "lead_months"):
        table[name] = pd.Series([None] * len(table), dtype=table[name].dtype)
    one = view(source_attainment=table)
    assert said(one) == ["April 2026 created €30k."]
    tiles = source_tiles(one, "Marketing")
    assert [each.value for each in tiles] == ["-", "€30k", "€90k", "-"]
    assert [each.note for each in tiles] == [
        "new pipeline",
        "nobody can say what is needed",
        "nobody can say what is needed",
        "no decided deals yet",
    ]
    assert [row.cells[1] for row in parts(one)["periods"].tables[0].rows] == ["-", "-", "-"]


def test_each_source_has_its_month_and_its_year() -> None:
    rows = [row.cells for row in parts(view())["sources"].tables[0].rows]
    assert rows == [
        ("Web", "€10k", "€70k", "20%", "4.0"),
        ("Event", "€20k", "€20k", "20%", "4.0"),
    ]
    figure = parts(view())["year"].figure
    assert figure is not None
    assert "New pipeline by month: Jan €0, Feb €0, Mar €60k, Apr €30k" in figure


def test_deals_are_those_of_the_owners_sources_and_new_in_the_month() -> None:
    changes = changed((1, "new", 9_000), (2, "new", 4_000), (3, "won", 5_000), (4, "new", 8_000))
    tables, _ = tables_of(4, OWNED)
    deals = tables.opportunity_snapshot
    sources = {"001": "Web", "002": "Event", "003": "Web", "004": "Partner"}
    named = [sources.get(each[12:15]) for each in deals["opportunity_id"]]
    snapshot = deals.assign(lead_source=pd.Series(named, dtype=deals["lead_source"].dtype))
    section = parts(view(deal_changes=changes, opportunity_snapshot=snapshot))["new_deals"]
    assert section.answer == (
        "2 deals worth €13k came from your sources; each is with the owner named."
    )
    assert [plain(row) for row in section.tables[0].rows] == [
        ["Acme: Deal 1", "Web", "Ann", "9 Apr 2026", "€9,000"],
        ["Acme: Deal 2", "Event", "Ann", "9 Apr 2026", "€4,000"],
    ]
    assert "new_deals" not in parts(view(deal_changes=frame(DealChanges, [])))


def pages(text: str) -> list[MonthEndReport]:
    return [each for each in month_end_reports(*tables_of(4, text)) if each.kind == "sources"]


def test_every_owner_has_a_page_with_the_rows_of_their_sources_only() -> None:
    assert [each.grain_id for each in pages(OWNED)] == ["Marketing", "Partnerships"]
    marketing, other = pages(OWNED)
    assert set(marketing.attachments) <= {"source_attainment", "pipeline_generation"}
    owners = marketing.attachments["source_attainment"].column("source_owner").to_pylist()
    assert set(owners) == {"Marketing"}
    assert "Marketing" not in str(other.attachments)
    assert pages("") == []
