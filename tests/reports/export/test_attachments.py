import csv
import io
from datetime import date

import pyarrow as pa

from reports.export.attachments import Attachments
from reports.export.safe_csv import guarded_csv
from sales.contracts.published import PUBLISHED
from tests.reports.months import HOSTILE, tables_of

YEAR = date(2026, 1, 1)


def values(table: pa.Table, name: str) -> set[object]:
    return set(table.column(name).to_pylist())


def test_the_company_gets_every_published_table_that_has_rows() -> None:
    tables, _ = tables_of()
    found = Attachments(tables, YEAR).of("company", "Acme")
    wanted = {name for name in PUBLISHED if len(getattr(tables, name))} - {"opportunity_snapshot"}
    assert set(found) == wanted | {"deals_of_the_year", "credit_of_the_year"}
    assert all(len(found[name]) == len(getattr(tables, name)) for name in wanted)
    assert all("extracted_at" not in table.column_names for table in found.values())


def test_nobody_gets_a_row_about_someone_else() -> None:
    tables, _ = tables_of()
    attachments = Attachments(tables, YEAR)
    for person, team in (("005A", "North"), ("005B", "South")):
        for grain, grain_id in (("person", person), ("team", team)):
            found = attachments.of(grain, grain_id)
            assert "client_phasing" not in found
            assert "data_quality" not in found
            for table in found.values():
                if "grain" in table.column_names:
                    assert (values(table, "grain"), values(table, "grain_id")) == (
                        {grain},
                        {grain_id},
                    )
                else:
                    assert values(table, "owner_id") == {person}
    mine = sum(
        len(attachments.of("person", each)["deals_of_the_year"]) for each in ("005A", "005B")
    )
    assert mine == len(tables.opportunity_snapshot), "and every row goes to someone"


def test_no_name_is_a_formula_in_a_spreadsheet_and_none_is_lost() -> None:
    tables, _ = tables_of()
    written = guarded_csv(
        Attachments(tables, YEAR).of("company", "Acme")["deals_of_the_year"]
    ).decode()
    names = [row["name"] for row in csv.DictReader(io.StringIO(written, newline=""))]
    assert len(names) == len(tables.opportunity_snapshot)
    assert not [name for name in names if name[:1] in {"=", "+", "-", "@", "\t", "\r"}]
    assert "'" + next(name for name in HOSTILE if name.startswith("=")) in names
    assert "'" + next(name for name in HOSTILE if name.startswith("@")) in names


def test_deals_that_were_closed_in_earlier_years_stay_out_and_open_ones_stay_in() -> None:
    """By hand: one deal was won in February, 19 are open, and all of them close in spring."""
    tables, _ = tables_of()
    found = Attachments(tables, date(2026, 12, 1)).of("company", "Acme")
    assert set(found["deals_of_the_year"].column("is_open").to_pylist()) == {True}
    assert len(found["deals_of_the_year"]) == len(tables.opportunity_snapshot) - 1
    assert "credit_of_the_year" not in found


def test_negative_numbers_stay_numbers() -> None:
    table = pa.table({"amount": pa.array([-5, None]), "words": pa.array(["-5", None])})
    assert guarded_csv(table) == b'"amount","words"\n-5,"-5"\n,\n'
