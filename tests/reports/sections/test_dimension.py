"""What pages say of the values of the policy's dimension."""

from dataclasses import replace
from typing import Any

import pytest

from reports.document.document import Section
from reports.document.view import View
from reports.sections.dimension import dimension, words_of
from sales.contracts.coverage import DimensionBreakdown
from sales.policy.sections import Pipeline
from tests.fakes import frame
from tests.reports.sections.test_stages import rows
from tests.reports.sections.test_work import view


def line(
    value: str, booked: int, before: int | None, share: float | None = None, **more: Any
) -> dict[str, object]:
    return {
        "grain": "company",
        "grain_id": "Acme",
        "dimension": value,
        "bookings": booked,
        "last_year": before,
        "share_pct": share,
        "new_bookings": booked,
        "existing_bookings": 0,
        "open_count": 2,
        "without_amount_count": 0,
        "open_pipeline": 3000,
        **more,
    }


def seen(*lines: dict[str, object], field: str | None = "Service_Line__c") -> View:
    found = view(dimension_breakdown=frame(DimensionBreakdown, lines))
    rules = found.variant.rules
    policy = rules.policy.model_copy(update={"pipeline": Pipeline(dimension=field)})
    return replace(found, variant=replace(found.variant, rules=replace(rules, policy=policy)))


def of(*lines: dict[str, object]) -> Section:
    section = dimension(seen(*lines))
    assert section is not None
    return section


def test_the_largest_is_named_with_its_share_then_and_now() -> None:
    section = of(line("", 1000, 3000, 10.0), line("<Tax>", 9000, 1000, 90.0))
    assert section.title == "Bookings and pipeline by Service Line"
    assert section.answer == (
        "<Tax> brought 90% of the €10k booked in FY2026 so far; a year before it was 25%."
    )
    assert rows(section) == [
        ("<Tax>", "€9k", "90%", "€1k", "€9k", "2", "€3k"),
        ("Not filled in", "€1k", "10%", "€3k", "€1k", "2", "€3k"),
        ("All", "€10k", "100%", "€4k", "€10k", "4", "€6k"),
    ]
    assert section.tables[0].columns[0].label == "Service Line"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (
            [line("Tax", 500, None, 100.0)],
            "Tax brought 100% of the €500 booked in FY2026 so far.",
        ),
        (
            [line("Tax", 500, 0, 50.0), line("Audit", 500, 0, 50.0)],
            "€1k was booked in FY2026 so far, and €6k is open.",
        ),
        (
            [line("Tax", 500, 10), line("Audit", -100, 0)],
            "€400 was booked in FY2026 so far, and €6k is open.",
        ),
        (
            [line("", 500, 10, 90.0), line("Tax", 50, 10, 10.0)],
            "€550 was booked in FY2026 so far, and €6k is open.",
        ),
        ([line("Tax", -500, 10)], "−€500 was booked in FY2026 so far, and €3k is open."),
        ([line("Tax", 0, 10)], "Nothing was booked in FY2026 so far; €3k is open."),
        (
            [line("Tax", 500, 100, 100.0), line("Audit", 0, -100, 0.0)],
            "Tax brought 100% of the €500 booked in FY2026 so far.",
        ),
    ],
)
def test_what_cannot_be_told_is_left_out(lines: list[dict[str, object]], answer: str) -> None:
    assert of(*lines).answer == answer


def test_many_values_end_in_one_row() -> None:
    section = of(*(line(f"Line {n:02d}", 100 - n, None, 1.0) for n in range(20)))
    assert len(rows(section)) == 9
    assert rows(section)[-2][:2] == ("13 other values", "€1k")
    eight = of(*(line(f"Line {n}", 100 - n, None, 1.0) for n in range(8)))
    assert [each[0] for each in rows(eight)] == [*(f"Line {n}" for n in range(8)), "All"]


def test_without_a_dimension_there_is_no_section_and_one_that_was_not_read_says_so() -> None:
    assert dimension(seen(line("Tax", 1, 1), field=None)) is None
    unread = dimension(seen())
    assert unread is not None
    assert unread.tables == ()
    assert unread.answer.startswith(
        "This month was read from Salesforce without Service_Line__c as its dimension"
    )
    assert "--fresh-extract --reconstruct" in unread.answer


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Service_Line__c", "Service Line"),
        ("pkg__Line__c", "Line"),
        ("LeadSource", "LeadSource"),
        ("Line", "Line"),
        ("A__c", "A"),
    ],
)
def test_a_fields_words(field: str, words: str) -> None:
    assert words_of(field) == words
