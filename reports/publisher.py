"""The publisher: which documents a month has, printing those that changed, and the manifest.

Put publishing here: file names, digests, `manifest.json`. What a document says is `month_end`,
how it becomes PDF is `rendering.pdf`, who prints it is `rendering.pool`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reports.document.document import MonthEndReport, Variant
from reports.document.month_tables import MonthTables
from reports.document.theme import themes_of
from reports.export.safe_csv import guarded_csv
from reports.export.workbook import workbook_of
from reports.month_end import Readers, Restated, month_end_reports
from reports.published_set import Pack, PublishedSet
from reports.rendering import pdf as render
from reports.rendering.pdf import AttachedFile, RenderJob
from reports.rendering.pool import Printed, Unprinted, printed
from reports.staging import MANIFEST, put_in_place, recover, staged
from reports.text import formats
from reports.text.i18n import marked
from sales.calendar import Month
from sales.history.extract import EMBEDDED
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind

# Where records of the demo company would be, if it had any: a host that is reserved for examples.
DEMO_RECORDS = "https://tidewater.my.salesforce.example"
# Documents that are shown in chats have a picture of their first page.
WITH_PICTURE = {GrainKind.COMPANY, GrainKind.TEAM}
# So many tiles are the headline of a document, in the manifest and in mails.
HEADLINES = 3
# So much of an id's digest tells the files of namesakes apart; two ids that share it get all of it.
FEWEST_DIGITS = 6
DESCRIPTION = marked("The table {name} behind these pages: rows of {title}")


@dataclass(frozen=True)
class Publisher:
    """Prints packs below `root/YYYY-MM`; logos lie in the policy folder.

    `link_file` gives a file that does not change a second name; not every file system can.
    """

    root: Path
    policy_folder: Path
    link_base: str = ""
    link_file: Callable[[Path, Path], None] = os.link

    def link(self, path: Path) -> str:
        """Return an address at which a browser opens a document."""
        inside = path.relative_to(self.root).as_posix()
        return f"{self.link_base.rstrip('/')}/{inside}" if self.link_base else path.as_uri()

    def standing(self, month: Month, folder: Path) -> PublishedSet | None:
        """Return the month's documents as they lie in a folder, none where some are missing, damaged or were never printed."""
        manifest = _manifest(folder)
        entries = manifest.get("documents", [])
        if (
            not entries
            or manifest.get("failed")
            or not all(_are_intact(folder, entry) for entry in entries)
        ):
            return None
        shown = self.root / str(month)
        return PublishedSet(shown, [_stood(entry, shown) for entry in entries], 0, {})

    def show(self, month: Month, folder: Path) -> None:
        """Let readers see the documents of a folder below `root`, where they do not yet."""
        shown = self.root / str(month)
        recover(shown)
        with staged(shown) as stage:
            for path in sorted(folder.iterdir()):
                self.link_file(path, stage / path.name)
            put_in_place(shown, stage)

    def publish(
        self,
        tables: MonthTables,
        month: Month,
        rules: MonthRules,
        source: str,
        progress: Callable[[str], None] = lambda _: None,
        *,
        readers: Readers | None = None,
        before: Restated | None = None,
        printed_before: Path | None = None,
        publish: Callable[[PublishedSet, Path], None] = lambda _set, _folder: None,
    ) -> PublishedSet:
        """Print the month's documents that changed and write the manifest; the old state stays until then.

        A document that cannot be printed is left out and named in the issue; it does not stop the
        others. Those in the folder `printed_before` that would be the same are not printed again.
        `publish` is called once all of it is printed, with the folder that it lies in: readers see
        it below `root` after that, and nothing where it raises.
        """
        themes = themes_of(self.policy_folder, rules)
        variant = Variant(month, rules, is_demo=source == EMBEDDED, records_at=_records_at(source))
        reports = month_end_reports(
            tables, variant, replace(readers or Readers(), themes=themes), before
        )
        folder = self.root / str(month)
        recover(folder)
        with staged(folder) as stage:
            places = _Places(printed_before or folder, stage, folder, self.link_file)
            published_set = _issue(reports, places, themes.warnings)
            progress(
                f"{len(published_set.packs) + len(published_set.failed)} documents, {published_set.printed} printed"
            )
            manifest = _manifest_of(published_set, month, source, tables)
            (stage / MANIFEST).write_bytes(manifest)
            publish(published_set, stage)
            put_in_place(folder, stage)
        return published_set


@dataclass(frozen=True)
class _Places:
    """Where documents lie that were printed before, where they are printed to, and where readers see them."""

    before: Path
    stage: Path
    shown: Path
    link_file: Callable[[Path, Path], None]


def _stood(entry: dict[str, Any], folder: Path) -> Pack:
    """Return a document as the manifest knows it."""
    fields = {
        name: entry[name]
        for name in (
            "title",
            "kind",
            "grain_id",
            "language",
            "paper",
            "audience",
            "sha256",
            "content_digest",
        )
    }
    return Pack(
        folder / entry["file"],
        **fields,
        other_shapes=dict(entry["other_shapes"]),
        headline=tuple((name, value, note) for name, value, note in entry["headline"]),
    )


def file_name(report: MonthEndReport, taken: Container[str] = ()) -> str:
    """Return a file name that is safe everywhere, and that no other person, team or language has among those taken."""
    tail = f".{report.variant}" if report.variant else ""
    if report.kind == GrainKind.COMPANY:
        return f"company{tail}.pdf"
    shown = report.title if report.kind == GrainKind.PERSON else report.grain_id
    ascii_name = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40].strip("-")
    digest = hashlib.sha256(report.grain_id.encode()).hexdigest()
    names = (
        "-".join(part for part in (report.kind, slug, digest[:digits]) if part) + f"{tail}.pdf"
        for digits in (FEWEST_DIGITS, len(digest))
    )
    return next(name for name in names if name not in taken)


def _issue(
    reports: Iterable[MonthEndReport], places: _Places, warnings: tuple[str, ...]
) -> PublishedSet:
    """Print what changed, put what did not beside it, and return all of it in order."""
    known = {entry["file"]: entry for entry in _manifest(places.before).get("documents", [])}
    order: list[str] = []
    packs: dict[str, Pack] = {}
    failed: dict[str, str] = {}
    waiting: dict[str, MonthEndReport] = {}
    digests: dict[str, str] = {}

    def jobs() -> Iterator[tuple[str, RenderJob, bool]]:
        for report in reports:
            name = file_name(report, order)
            job = render_job_of(report, name)
            digest, before = _digest(job), known.get(name)
            order.append(name)
            is_same = before and before["content_digest"] == digest
            if before and is_same and _are_intact(places.before, before):
                packs[name] = _kept(before, places)
            else:
                waiting[name], digests[name] = report, digest
                yield name, job, report.kind in WITH_PICTURE

    for name, done in printed(jobs()):
        report = waiting.pop(name)
        if isinstance(done, Unprinted):
            failed[f"{report.kind_name} {formats.unmarked(report.title)[:60]}"] = done.reason
        else:
            packs[name] = _write(report, name, done, digests[name], places)
    return PublishedSet(
        places.shown,
        [packs[name] for name in order if name in packs],
        len(digests) - len(failed),
        failed,
        warnings,
    )


def render_job_of(report: MonthEndReport, name: str = "") -> RenderJob:
    """Return all that decides about a document's PDF: its page, its look, its tables and its name."""
    say = report.language.say
    attached = tuple(
        AttachedFile(
            f"{name}.csv",
            say(DESCRIPTION, name=name, title=formats.unmarked(report.title)),
            guarded_csv(table),
        )
        for name, table in sorted(report.attachments.items())
    )
    return RenderJob(
        render.html_of(report),
        report.theme,
        datetime.fromisoformat(report.created),
        f"{report.month} {name or file_name(report)}",
        attached,
    )


def _write(report: MonthEndReport, name: str, done: Printed, digest: str, places: _Places) -> Pack:
    """Write a document in all its shapes."""
    stem = name.removesuffix(".pdf")
    shapes = {
        f"{stem}.html": render.browser_html_of(report).encode(),
        f"{stem}.xlsx": workbook_of(report.attachments, datetime.fromisoformat(report.created)),
        **({f"{stem}.png": done.picture} if done.picture else {}),
    }
    for each, content in ((name, done.pdf), *shapes.items()):
        (places.stage / each).write_bytes(content)
    digests = {each: hashlib.sha256(content).hexdigest() for each, content in shapes.items()}
    return Pack(
        places.shown / name,
        formats.unmarked(report.title),
        report.kind,
        report.grain_id,
        report.language.code,
        report.theme.paper,
        report.audience,
        hashlib.sha256(done.pdf).hexdigest(),
        digest,
        digests,
        tuple((tile.name, tile.value, tile.note) for tile in report.tiles[:HEADLINES]),
    )


def _kept(entry: dict[str, Any], places: _Places) -> Pack:
    """Put a document that did not change beside the new ones, without copying it."""
    for each in (entry["file"], *entry["other_shapes"]):
        places.link_file(places.before / each, places.stage / each)
    return _stood(entry, places.shown)


def _records_at(source: str) -> str:
    """Return where a record can be opened in a browser; only addresses that are safe to click."""
    if source == EMBEDDED:
        return DEMO_RECORDS
    return source.rstrip("/") if source.startswith("https://") else ""


def _manifest(folder: Path) -> dict[str, Any]:
    """Return what a folder says of its documents, nothing where it is not there or cannot be read: they are printed again."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for entry in found["documents"]:
            _stood(entry, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def _manifest_of(
    published_set: PublishedSet, month: Month, source: str, tables: MonthTables
) -> bytes:
    snapshot = tables.opportunity_snapshot
    documents = [
        {
            "file": pack.path.name,
            "title": pack.title,
            "kind": pack.kind,
            "grain_id": pack.grain_id,
            "language": pack.language,
            "paper": pack.paper,
            "audience": pack.audience,
            "sha256": pack.sha256,
            "content_digest": pack.content_digest,
            "other_shapes": pack.other_shapes,
            "headline": pack.headline,
        }
        for pack in published_set.packs
    ]
    content = {
        "month": str(month),
        "source": source,
        "as_of": snapshot["as_of"].iloc[0].isoformat(),
        "extracted_at": snapshot["extracted_at"].iloc[0].isoformat(),
        "printed_with": hashlib.sha256(_machinery().encode()).hexdigest(),
        "documents": documents,
        "failed": published_set.failed,
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def _digest(job: RenderJob) -> str:
    """Return a digest of all that decides about a document: its words and numbers, its tables, its look, and the machinery."""
    theme = job.theme
    whole = hashlib.sha256(job.html.encode())
    for part in (
        _machinery(),
        render.stylesheet(theme),
        repr(theme.palette),
        job.identifier,
        job.created.isoformat(),
    ):
        whole.update(part.encode() + b"\0")
    whole.update(theme.logo.content if theme.logo else b"")
    for each in job.attached:
        whole.update(
            each.name.encode()
            + b"\0"
            + each.description.encode()
            + b"\0"
            + hashlib.sha256(each.content).digest()
        )
    return whole.hexdigest()


@lru_cache(maxsize=1)
def _machinery() -> str:
    """What else decides how a page looks: the templates, the fonts and the renderer."""
    files = [
        *sorted(formats.FONTS.glob("*.ttf")),
        *(
            render.TEMPLATES / name
            for name in ("layout.html", "pack.html", "browser.html", "print.css", "screen.css")
        ),
    ]
    versions = "".join(version(name) for name in ("weasyprint", "xlsxwriter", "pypdfium2"))
    return "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files) + versions


def _are_intact(folder: Path, entry: dict[str, Any]) -> bool:
    files = {entry["file"]: entry["sha256"], **entry.get("other_shapes", {})}
    return "paper" in entry and all(
        _is_intact(folder / name, digest) for name, digest in files.items()
    )


def _is_intact(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
