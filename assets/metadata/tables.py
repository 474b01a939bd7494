"""What the UI shows of a table: rows, columns and where they come from, a preview without clients, and a version of its content."""

from __future__ import annotations

import hashlib

import dagster as dg
import pandas as pd
import pyarrow as pa

from assets.metadata.lineage import LINEAGE, Parents
from connectors.storage.monthly_tables import Written
from sales import arrow as columns
from sales.contracts.contract import Contract, descriptions
from sales.contracts.parents import Columns
from sales.contracts.published import MONTHLY
from sales.contracts.raw import RAW
from sales.vocabulary import GrainKind

# Said to the decorator: Dagster 1.13 cannot read a generic result from an asset that has checks.
TABLE = dg.DagsterType(
    name="Table",
    type_check_fn=lambda _, value: value is None or isinstance(value, pd.DataFrame),
    description="A table; none where what is stored stands.",
)
PREVIEW_ROWS = 12
PREVIEW_COLUMNS = 10
# Of more columns of one asset only the number is said.
MOST_NAMED = 6
# Everyone who opens the UI reads previews: no client, no deal, and no figure but the company's. A team
# may be one person, and all teams but one are the company without that one.
PRIVATE = {
    "name",
    "account_id",
    "account_name",
    "detail",
    "username",
    "email",
    "old_value",
    "new_value",
}
# Of a table: what it was made from, as a digest; and that it stands as it was made then.
FINGERPRINT, UNCHANGED = "recipe", "unchanged"
STAMPS = ["as_of", "extracted_at"]


def described(
    table: pd.DataFrame, checks: dict[str, list[str]] | None = None, **more: dg.MetadataValue
) -> dg.MaterializeResult:
    """Return a table with its row count, preview, data version and the outcome of its checks."""
    return dg.MaterializeResult(
        value=table,
        data_version=dg.DataVersion(digest(table)),
        metadata={
            "dagster/partition_row_count": len(table),
            "preview": dg.MetadataValue.md(preview(table)),
            **more,
        },
        check_results=[
            dg.AssetCheckResult(
                passed=not faults,
                check_name=check,
                metadata={"faults": faults},
                description="; ".join(faults) or None,
            )
            for check, faults in (checks or {}).items()
        ],
    )


def described_before(
    context: dg.AssetExecutionContext,
    name: str,
    written: Written,
    check_results: list[dg.AssetCheckResult],
) -> dg.MaterializeResult:
    """Return what is to be said of a table that was not computed again: what was said of it, and that it is unchanged."""
    known = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey(name), asset_partitions=[context.partition_key]
    )
    events = context.instance.fetch_materializations(known, limit=1).records
    said = (
        dict(events[0].asset_materialization.metadata)
        if events and events[0].asset_materialization
        else {}
    )
    said.update(
        {
            "dagster/partition_row_count": dg.MetadataValue.int(int(written.figures["rows"])),
            FINGERPRINT: dg.MetadataValue.text(written.recipe),
            UNCHANGED: dg.MetadataValue.text(
                f"made from the same inputs in run {written.run_id}; not computed again"
            ),
        }
    )
    return dg.MaterializeResult(
        value=None,
        data_version=dg.DataVersion(written.digest),
        metadata=said,
        check_results=check_results,
    )


def of_columns(name: str) -> dict[str, dg.TableSchema | dg.TableColumnLineage]:
    """Return what an asset says of its columns: a definition's metadata, because it is the same in every run."""
    return {
        "dagster/column_schema": column_schema((MONTHLY | RAW)[name], LINEAGE[name]),
        "dagster/column_lineage": column_lineage(LINEAGE[name]),
    }


def column_schema(contract: type[Contract], parents: Parents) -> dg.TableSchema:
    """Return the contract's columns for the UI, each with what it means and where it comes from."""
    types = {
        name: _type_name(str(column.dtype)) for name, column in contract.to_schema().columns.items()
    }
    meanings = descriptions(contract)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name, types[name], description=f"{meanings[name]}. {origin(parents[name])}"
            )
            for name in meanings
        ]
    )


def column_lineage(parents: Parents) -> dg.TableColumnLineage:
    """Return where each column comes from, for the UI."""
    return dg.TableColumnLineage(
        {
            name: [
                dg.TableColumnDep(dg.AssetKey.from_user_string(asset), column)
                for asset, column in sorted(its_parents)
            ]
            for name, its_parents in parents.items()
        }
    )


def origin(parents: Columns) -> str:
    """Return where a column comes from in words: Dagster's open-source UI keeps `dagster/column_lineage` and does not draw it."""
    by_asset: dict[str, list[str]] = {}
    for asset, column in sorted(parents):
        by_asset.setdefault(asset, []).append(column)
    named = (
        f"{asset} ({', '.join(names) if len(names) <= MOST_NAMED else f'{len(names)} columns'})"
        for asset, names in by_asset.items()
    )
    return f"From {'; '.join(named)}." if parents else "Stated by the run or the rules."


def _type_name(written: str) -> str:
    names = {
        "arrow_string": "text",
        "money": "money",
        "double": "number",
        "int64": "whole number",
        "bool": "yes or no",
        "date32": "date",
        "timestamp": "instant",
    }
    return next((name for start, name in names.items() if written.startswith(start)), written)


def digest(table: pd.DataFrame) -> str:
    """Return a digest of the content, without the instants of reading."""
    content = pa.Table.from_pandas(
        table.drop(columns=STAMPS, errors="ignore"), preserve_index=False
    ).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.schema.remove_metadata()) as stream:
        stream.write_table(content.replace_schema_metadata())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:32]


def preview(table: pd.DataFrame) -> str:
    """Return the first rows as Markdown: money only where it is the company's, and nothing of clients."""
    if "grain" in table.columns:
        table = table.loc[table["grain"] == GrainKind.COMPANY]
    hidden = PRIVATE | (
        set()
        if "grain" in table.columns
        else {
            name for name in table.columns if pa.types.is_decimal(columns.arrow_type(table[name]))
        }
    )
    shown = [name for name in table.columns if name not in hidden and name not in STAMPS][
        :PREVIEW_COLUMNS
    ]
    lines = ["| " + " | ".join(shown) + " |", "|" + " --- |" * len(shown)]
    rows = table[shown].head(PREVIEW_ROWS).itertuples(index=False)
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    """Return a value as a cell of a Markdown table: one line, no markup."""
    text = "" if value is pd.NA or value is None else str(value)
    return (
        "".join(each for each in text if each.isprintable())
        .replace("|", "\\|")
        .replace("<", "&lt;")[:60]
    )
