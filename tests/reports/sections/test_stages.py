"""What pages say of stages, and of new and existing clients."""

from reports.document.document import Section
from reports.sections.decided import decided
from reports.sections.stages import stages
from sales.contracts.coverage import DecidedDeals, PipelineStages
from tests.fakes import frame
from tests.reports.sections.test_work import view

QUARTERS = ("FY2025-Q2", "FY2025-Q3", "FY2025-Q4", "FY2026-Q1", "FY2026-Q2")


def rows(section: Section | None, table: int = 0) -> list[tuple[str, ...]]:
    assert section is not None
    return [row.cells for row in section.tables[table].rows]


def stage(name: str, count: int, *ages: int) -> dict[str, object]:
    return {
        "grain": "company",
        "grain_id": "Acme",
        "stage_name": name,
        "stage_order": 1,
        "open_count": count,
        "without_amount_count": 0,
        "open_pipeline": sum(ages),
        **dict(zip(("up_to_90", "up_to_180", "up_to_365", "older"), ages, strict=True)),
        "median_age_days": 41.6,
    }


def test_stages_are_summed_and_what_is_old_is_told() -> None:
    table = frame(
        PipelineStages, [stage("Scope", 3, 5000, 0, 2000, 0), stage("<b>", 2, 0, 1000, 0, 4000)]
    )
    section = stages(view(pipeline_stages=table))
    assert rows(section) == [
        ("Scope", "3", "€7k", "€5k", "-", "€2k", "-", "42"),
        ("<b>", "2", "€5k", "-", "€1k", "-", "€4k", "42"),
        ("All stages", "5", "€12k", "€5k", "€1k", "€2k", "€4k", "-"),
    ]
    assert section is not None
    assert section.answer == "€4k of the €12k that is open was created more than a year ago."
    young = stages(view(pipeline_stages=table.head(1)))
    assert len(rows(young)) == 1
    assert young is not None
    assert young.answer == "No open amount is older than a year."
    assert stages(view(pipeline_stages=table.head(0))) is None


def quarter(number: int, kind: str, won: int, lost: int, amount: int) -> dict[str, object]:
    return {
        "grain": "company",
        "grain_id": "Acme",
        "period": QUARTERS[number],
        "client_kind": kind,
        "won_count": won,
        "lost_count": lost,
        "won_amount": amount,
        "win_rate_pct": won * 100 / (won + lost) if won + lost else None,
        "average_amount": amount / won if won else None,
        "median_cycle_days": 33.4 if won else None,
    }


def of_year(new: tuple[int, int, int], existing: tuple[int, int, int]) -> Section | None:
    """Return the section of a year with nothing but its last quarter."""
    last = len(QUARTERS) - 1
    table = frame(
        DecidedDeals,
        [
            quarter(n, kind, *(said if n == last else (0, 0, 0)))
            for n in range(len(QUARTERS))
            for kind, said in (("existing", existing), ("new", new))
        ],
    )
    return decided(view(decided_deals=table))


def test_new_and_existing_clients_stand_beside_each_other() -> None:
    section = of_year((1, 3, 2000), (4, 2, 6000))
    assert section is not None
    assert section.answer == (
        "New clients brought €2k of the €8k booked in Q2 FY2026 so far (25%). 5 of 10 decided deals were won."
    )
    assert [each.title for each in section.tables] == ["New clients", "Existing clients"]
    assert rows(section)[-1] == ("Q2 FY2026", "€2k", "1", "3", "25%", "€2k", "33")
    assert rows(section)[0] == ("Q2 FY2025", "-", "0", "0", "-", "-", "-")
    assert rows(section, 1)[-1] == ("Q2 FY2026", "€6k", "4", "2", "67%", "€2k", "33")


def test_quarters_without_new_clients_or_without_wins_say_so() -> None:
    existing_only = of_year((0, 1, 0), (1, 0, 500))
    assert existing_only is not None
    assert existing_only.answer == (
        "All of the €500 booked in Q2 FY2026 so far came from existing clients. 1 of 2 decided deals was won."
    )
    lost_only = of_year((0, 1, 0), (0, 0, 0))
    assert lost_only is not None
    assert lost_only.answer == (
        "Nothing was booked in Q2 FY2026 so far. 0 of 1 decided deals were won."
    )
    credit_note = of_year((0, 0, 0), (1, 0, -2000))
    assert credit_note is not None
    assert credit_note.answer.startswith("−€2k was booked in Q2 FY2026 so far.")
    beside = of_year((1, 0, 3000), (1, 0, -1000))
    assert beside is not None
    assert beside.answer.startswith("€2k was booked in Q2 FY2026 so far. 2 of 2"), "no 150%"
    assert of_year((0, 0, 0), (0, 0, 0)) is None
