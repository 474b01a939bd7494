"""What the org says back: records as JSON and CSV, and errors as Salesforce words them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from embedded_org.objects import csv_value, json_value
from embedded_org.soql import Column, Select, SoqlError


class OrgError(Exception):
    """An answer that is an error: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the parts of the error body."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def record(select: Select, row: tuple[object, ...], version: str) -> dict[str, object]:
    """Return a row as REST writes it."""
    if select.is_aggregate:
        return {"attributes": {"type": "AggregateResult"}} | {
            c.name: v for c, v in zip(select.columns, row, strict=True)
        }
    made: dict[str, Any] = {"attributes": {"type": select.entity.name}}
    for column, value in zip(select.columns, row, strict=True):
        *parents, name = column.name.split(".")
        place = made
        for parent in parents:
            if place.get(parent) is None:
                place[parent] = {"attributes": {"type": parent}}
            place = place[parent]
        place[name] = json_value(value, column.kind)
    for parent in {column.name.split(".")[0] for column in select.columns if "." in column.name}:
        if all(value is None for key, value in made[parent].items() if key != "attributes"):
            made[parent] = None
    if "Id" in made:
        made["attributes"]["url"] = (
            f"/services/data/v{version}/sobjects/{select.entity.name}/{made['Id']}"
        )
    return made


def csv_page(columns: Sequence[Column], rows: Sequence[tuple[object, ...]]) -> str:
    """Return rows as Bulk writes them."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    kinds = [column.kind for column in columns]
    writer.writerows(
        [csv_value(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows
    )
    return text.getvalue()


def error(status: int, code: str, message: str) -> Response:
    """Return an error as REST and Bulk write it."""
    return JSONResponse([{"message": message, "errorCode": code}], status_code=status)


async def refused(_: Request, fault: Exception) -> Response:
    """Answer an `OrgError`."""
    assert isinstance(fault, OrgError)  # noqa: S101  # registered for this type
    return error(fault.status, fault.code, fault.message)


async def refused_query(_: Request, fault: Exception) -> Response:
    """Answer a `SoqlError`."""
    assert isinstance(fault, SoqlError)  # noqa: S101  # registered for this type
    return error(400, fault.code, str(fault))


async def not_found(_: Request, fault: Exception) -> Response:
    """Answer a path that is none."""
    assert isinstance(fault, HTTPException)  # noqa: S101  # registered for this type
    if fault.status_code == 404:  # noqa: PLR2004
        return error(404, "NOT_FOUND", "The requested resource does not exist")
    return PlainTextResponse(fault.detail, status_code=fault.status_code)
