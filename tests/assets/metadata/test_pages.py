"""Every tile and every printed column has its lineage, under the name that is printed."""

import ast
import re
from collections.abc import Iterator
from inspect import getsource

import pytest

from assets.metadata.pages import PAGES, SECTIONS, TILES
from reports.document.document import Section
from reports.month_end import month_end_reports
from reports.sections import headline, source_owner
from reports.sections.clients import agreements
from reports.sections.work import work
from sales.contracts.work import AccountLoad, ClientAgreements
from tests.fakes import frame
from tests.reports.months import reports_of, tables_of
from tests.reports.sections.test_dimension import line
from tests.reports.sections.test_dimension import of as by_dimension
from tests.reports.sections.test_landing import month_tables
from tests.reports.sections.test_source_owner import OWNED
from tests.reports.sections.test_work import agreed, beyond, late, load, view

# Their heads are periods, months or causes: what is printed is named by the first cell, or is all
# alike.
ALIKE = {
    ("clients", 0): "booked or expected",
}
# Of these each row is of another thing.
NAMED_BY_ROW = {("movement_by_period", 0), ("restated", 0), ("delivery", 0)}
TEAMS = {"North", "South", "East", "West", "Unassigned"}


def named_tiles() -> list[str]:
    """Return the first argument of each tile that the code can make, as it is written."""
    made = [
        node
        for module in (headline, source_owner)
        for node in ast.walk(ast.parse(getsource(module)))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Tile"
    ]
    names = [each.args[0].args[0] for each in made]  # type: ignore[attr-defined]
    return [each.value if isinstance(each, ast.Constant) else "{month}" for each in names]


def test_every_tile_that_can_be_printed_has_its_lineage() -> None:
    assert sorted(named_tiles()) == sorted(TILES)


def printed(section: Section) -> Iterator[str]:
    if section.figure is not None:
        yield "figure"
    for number, table in enumerate(section.tables):
        if (section.key, number) in NAMED_BY_ROW:
            names = (row.cells[0] for row in table.rows)
            yield from ("days of a team" if name in TEAMS else name for name in names)
        else:
            heads = [column.label for column in table.columns]
            named = ALIKE.get((section.key, number))
            if named:
                heads = [heads[0], named]
                heads += [row.cells[0] for row in table.rows if not any(row.shades)]
            yield from ("days ahead" if head.startswith("<svg") else head for head in heads)


def documents() -> Iterator[Section]:
    yield by_dimension(line("Tax", 1, 1))
    owned = month_end_reports(*tables_of(4, OWNED))
    for report in [*month_end_reports(*month_tables()), *reports_of(), *owned]:
        yield from report.sections
    lacking = frame(AccountLoad, [beyond("Harbour", "North", 0, 10.0)])
    for section in (
        work(view(delivery_load=load(40.0, 30.0), account_load=lacking, closing_plan=late())),
        agreements(view(client_agreements=frame(ClientAgreements, [agreed("Quay", None)]))),
    ):
        assert section is not None
        yield section


def test_every_printed_column_has_its_lineage() -> None:
    """The field that policy names as dimension stands for any."""
    found = {
        f"{section.title}: {name}".replace("Service Line", "{dimension}")
        for section in documents()
        for name in printed(section)
    }
    assert found - set(SECTIONS) == set()
    assert len(found) > 70


@pytest.mark.parametrize("name", PAGES)
def test_a_number_is_read_from_a_table(name: str) -> None:
    """Only the capacity is stated by policy alone."""
    assert PAGES[name] or name == "The work that follows: Capacity"
    assert not re.search(r"[<>]", name)
