import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reports.export.safe_csv import guarded
from reports.export.tables import UnwritableFolder, export_tables
from reports.export.workbook import Sheet, TooManyRows, workbook_of, write_workbook
from sales import arrow as columns
from sales.contracts.contract import column_names
from sales.contracts.published import PUBLISHED
from tests.reports.months import HOSTILE, MONTH, tables_of


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    month, _ = tables_of()
    return {name: getattr(month, name) for name in PUBLISHED}


def test_csv_writes_money_with_its_digits_instants_with_z_and_nothing_for_nothing(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    paths = export_tables(tables, MONTH, tmp_path / "out", "csv")
    assert [path.stem for path in paths] == list(PUBLISHED)
    for path in paths:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
        assert reader.fieldnames == column_names(PUBLISHED[path.stem])
        assert len(rows) == len(tables[path.stem])
        assert all(row["as_of"] == "2026-05-01T00:00:00Z" for row in rows)
    with (tmp_path / "out" / "opportunity_snapshot.csv").open(
        encoding="utf-8", newline=""
    ) as lines:
        by_id = {row["opportunity_id"]: row for row in csv.DictReader(lines)}
    assert by_id["006000000000001AAA"]["amount"] == "1000.00"
    assert by_id["006000000000902AAA"]["amount"] == ""
    assert by_id["006000000000001AAA"]["is_open"] == "true"
    assert by_id["006000000000003AAA"]["name"] == HOSTILE[3]
    assert by_id["006000000000001AAA"]["created_at"] == "2026-01-05T10:00:00Z"


def test_parquet_keeps_decimals(tables: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    export_tables(tables, MONTH, tmp_path, "parquet")
    stored = pq.read_table(tmp_path / "opportunity_snapshot.parquet")
    assert str(stored.schema.field("amount").type) == "decimal128(24, 2)"
    assert Decimal("1000.00") in stored.column("amount").to_pylist()


def test_a_workbook_holds_numbers_dates_and_no_formula(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    path = export_tables(tables, MONTH, tmp_path, "xlsx")[0]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == list(PUBLISHED)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(
        str(cell.value).startswith("=SUBTOTAL(109,") for cell in cells if cell.data_type == "f"
    ), "totals are the only formulas"
    assert any(
        isinstance(cell.value, str) and cell.value.startswith("=HYPERLINK") for cell in cells
    )
    assert book["opportunity_snapshot"].freeze_panes == "A2"


def test_totals_follow_the_filters_and_stand_only_where_rows_add_up(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(export_tables(tables, MONTH, tmp_path, "xlsx")[0])
    shown = openpyxl.load_workbook(tmp_path / "onpace-2026-04.xlsx", data_only=True)
    plan, size = tables["closing_plan"], len(tables["closing_plan"])
    assert book["closing_plan"][f"E{size + 2}"].value == f"=SUBTOTAL(109,E2:E{size + 1})"
    assert Decimal(str(shown["closing_plan"][f"E{size + 2}"].value)) == plan["amount"].sum()
    assert book["closing_plan"].auto_filter.ref.endswith(str(size + 1)), (
        "the total is not filtered away"
    )
    # People, teams and the company stand in one table: a sum would count everything three times.
    assert not [
        cell
        for row in book["target_attainment"].iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]


def test_a_workbook_of_the_same_tables_has_the_same_bytes(tables: dict[str, pd.DataFrame]) -> None:
    made = [
        workbook_of(
            [
                Sheet(
                    "Plan",
                    (table := pa.Table.from_pandas(tables["closing_plan"])),
                    tuple(table.column_names),
                )
            ],
            datetime(2026, 5, 1, tzinfo=UTC),
        )
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert openpyxl.load_workbook(
        BytesIO(workbook_of([], datetime(2026, 5, 1, tzinfo=UTC)))
    ).sheetnames == ["no tables"]


def test_a_sheet_that_is_too_small_is_said_before_anything_is_written(tmp_path: Path) -> None:
    huge = pd.DataFrame(index=range(1_048_576))
    with pytest.raises(TooManyRows, match="export as csv or parquet"):
        write_workbook({"deals": huge}, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableFolder, match="choose another folder with --to"):
        export_tables(tables, MONTH, tmp_path / "file", "csv")


def test_a_carriage_return_in_a_name_does_not_end_a_row(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    snapshot = tables["opportunity_snapshot"]
    snapshot = snapshot.assign(name=columns.series(pa.array(["one\rtwo\r\nthree"] * len(snapshot))))
    export_tables({"opportunity_snapshot": snapshot}, MONTH, tmp_path, "csv")
    with (tmp_path / "opportunity_snapshot.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["name"] for row in rows] == ["one\rtwo\r\nthree"] * len(snapshot)


def test_amounts_have_their_currencys_digits_and_old_days_can_be_read(tmp_path: Path) -> None:
    table = columns.frame(
        {
            "dinar": pa.array([Decimal("1234.567")], pa.decimal128(24, 3)),
            "yen": pa.array([Decimal(1234)], pa.decimal128(24, 0)),
            "closes": pa.array([date(202, 5, 20)], pa.date32()),
        }
    )
    path = tmp_path / "odd.xlsx"
    write_workbook({"odd": table}, path)
    dinar, yen, closes = next(openpyxl.load_workbook(path)["odd"].iter_rows(min_row=2))
    assert (dinar.number_format, yen.number_format) == ("#,##0.000", "#,##0")
    assert closes.value == "0202-05-20"


def test_in_csv_no_text_is_a_formula_unless_it_is_to_be_exact(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    def names(folder: Path, *, is_exact: bool) -> set[str]:
        export_tables(tables, MONTH, folder, "csv", is_exact=is_exact)
        with (folder / "opportunity_snapshot.csv").open(encoding="utf-8", newline="") as lines:
            return {row["name"] for row in csv.DictReader(lines)}

    hostile = {each for each in HOSTILE if each.startswith(("=", "+", "-", "@", "\t", "\r"))}
    assert hostile
    assert hostile <= names(tmp_path / "exact", is_exact=True)
    guarded = names(tmp_path / "guarded", is_exact=False)
    assert {f"'{each}" for each in hostile} <= guarded
    assert not {each for each in guarded if each.startswith(("=", "+", "-", "@"))}


def test_a_number_that_is_text_is_no_formula() -> None:
    values = pa.array(["-1,234.50", "+5", "-1+1", "=1", None, "plain"])
    assert guarded(values).to_pylist() == ["-1,234.50", "+5", "'-1+1", "'=1", None, "plain"]
