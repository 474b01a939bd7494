"""A pull that is not finished yet, on disk: what was asked, what came, and where to go on.

Put the staging area of pulls here. A killed or stopped pull leaves it behind; the next one
takes it up. The layout below `ONPACE_HOME/pulling`: `pull.json`, and a Parquet file a page.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.storage.files import write_atomically

DOWNLOADED = "null"


@dataclass
class Slice:
    """A window of one object: from `since` to before `until`, each open where empty.

    `asked_at` is when a Bulk job was asked for, `locator` where its download goes on.
    """

    number: int
    since: str = ""
    until: str = ""
    asked_at: str = ""
    job_id: str = ""
    locator: str = ""
    announced: int = 0
    parts: int = 0
    rows: int = 0
    is_done: bool = False


@dataclass
class Reading:
    """One object being read: whole, or since a cursor; `fields` in the order of the query."""

    name: str
    object_name: str
    fields: list[str]
    cursor: str
    where: str = ""
    slices: list[Slice] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether everything has come."""
        return all(each.is_done for each in self.slices)

    @property
    def rows(self) -> int:
        """How many records have come so far."""
        return sum(each.rows for each in self.slices)

    def soql(self, part: Slice) -> str:
        """Return the query of one slice."""
        conditions = [self.where] if self.where else []
        conditions += [f"{self.cursor} >= {part.since}"] if part.since else []
        conditions += [f"{self.cursor} < {part.until}"] if part.until else []
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {', '.join(self.fields)} FROM {self.object_name}{where}"  # noqa: S608  # names come from describe


@dataclass
class UnfinishedPull:
    """What a pull set out to read; `signature` says whether another pull would read the same."""

    began: str
    signature: str
    readings: dict[str, Reading] = field(default_factory=dict)

    @property
    def began_at(self) -> datetime:
        """When it began, by Salesforce's clock: what it reads is complete up to then."""
        return datetime.fromisoformat(self.began)


def _reading(content: dict[str, Any]) -> Reading:
    slices = [Slice(**part) for part in content.pop("slices")]
    return Reading(**content, slices=slices)


class PullCheckpoint:
    """The staging area of one home."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; nothing is created until a pull begins."""
        self._folder = folder

    def load(self) -> UnfinishedPull | None:
        """Return the pull that was left unfinished, or none; what cannot be read is none."""
        try:
            content: dict[str, Any] = json.loads(
                (self._folder / "pull.json").read_text(encoding="utf-8")
            )
            readings = {name: _reading(each) for name, each in content["readings"].items()}
            return UnfinishedPull(content["began"], content["signature"], readings)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, pull: UnfinishedPull) -> None:
        """Store how far a pull has come."""
        write_atomically(self._folder / "pull.json", json.dumps(asdict(pull)).encode())

    def discard(self) -> None:
        """Forget everything about the unfinished pull."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, reading: Reading, part: Slice, page: pa.Table) -> None:
        """Store one page of a slice; it counts once the pull is saved."""
        path = self._path(reading, part, part.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(page, path, compression="zstd")
        part.parts += 1
        part.rows += page.num_rows

    def drop(self, reading: Reading, part: Slice) -> None:
        """Forget the pages of a slice."""
        for number in range(part.parts):
            self._path(reading, part, number).unlink(missing_ok=True)
        part.parts = part.rows = 0
        part.locator = ""

    def ids(self, reading: Reading, key: str) -> pa.Array:
        """Return the distinct record ids that came."""
        columns = [pq.read_table(path, columns=[key]).column(key) for path in self._paths(reading)]
        chunks = [chunk for column in columns for chunk in column.chunks]
        return pc.unique(pa.chunked_array(chunks, pa.string()))

    def living(self, reading: Reading, key: str) -> pa.Array:
        """Return the ids of records that came and are not deleted."""
        pages = [pq.read_table(path, columns=[key, "is_deleted"]) for path in self._paths(reading)]
        chunks = [
            chunk
            for page in pages
            for chunk in page.filter(pc.invert(page.column("is_deleted"))).column(key).chunks
        ]
        return pa.chunked_array(chunks, pa.string()).combine_chunks()

    def pages(self, reading: Reading, key: str, stamp: str) -> Iterator[pa.Table]:
        """Yield what came, page by page; of a record that came twice only the newest.

        One query never answers with a record twice; the windows of a halved one may.
        """
        paths = self._paths(reading)
        is_halved = len(reading.slices) > 1
        keep = (
            _newest([pq.read_table(path, columns=[key, stamp]) for path in paths], key, stamp)
            if is_halved
            else [None] * len(paths)
        )
        for path, wanted in zip(paths, keep, strict=True):
            page = pq.read_table(path)
            yield page if wanted is None else page.filter(wanted)

    def _paths(self, reading: Reading) -> list[Path]:
        return [
            self._path(reading, part, number)
            for part in reading.slices
            for number in range(part.parts)
        ]

    def _path(self, reading: Reading, part: Slice, number: int) -> Path:
        return self._folder / f"{reading.name}-{part.number}-{number}.parquet"


def _newest(pages: list[pa.Table], key: str, stamp: str) -> list[pa.Array | None]:
    """Return which rows of each page hold the newest version of their record; none where all do."""
    if not pages:
        return []
    keys = pa.concat_tables(pages)
    ids = keys.column(key).combine_chunks()
    if len(pc.unique(ids)) == len(ids):
        return [None] * len(pages)
    codes = np.asarray(ids.dictionary_encode().indices)
    stamps = np.asarray(keys.column(stamp).combine_chunks().cast(pa.int64()).fill_null(0))
    order = np.lexsort((np.arange(len(codes)), stamps, codes))
    is_last = np.r_[codes[order][1:] != codes[order][:-1], True]
    keep = np.zeros(len(codes), np.bool_)
    keep[order[is_last]] = True
    ends = np.cumsum([page.num_rows for page in pages])[:-1]
    return [pa.array(each) for each in np.split(keep, ends)]
