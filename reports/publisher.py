"""The publisher: which documents a month has, printing those that changed, and the manifest.

Put publishing here. What a document says is `month_end`, how it becomes PDF is `rendering.pdf`,
who prints it is `rendering.pool`, what a folder says of its documents is `manifest`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reports.document.document import MonthEndReport, Variant
from reports.document.last_report import LastReport
from reports.document.month_tables import MonthTables
from reports.document.theme import themes_of
from reports.export.document_workbook import document_workbook
from reports.export.safe_csv import guarded_csv
from reports.file_names import FileNames
from reports.manifest import are_intact, first_page_of, manifest_of, pack_of, read_manifest
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
# Progress is told document by document, and of many documents now and then.
TOLD_ALONE, TOLD_EACH = 20, 25
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
        manifest = read_manifest(folder)
        entries = manifest.get("documents", [])
        if (
            not entries
            or manifest.get("failed")
            or not all(are_intact(folder, entry) for entry in entries)
        ):
            return None
        shown = self.root / str(month)
        return PublishedSet(shown, [pack_of(entry, shown) for entry in entries], 0, {})

    def show(self, month: Month, folder: Path) -> None:
        """Let readers see the documents of a folder below `root`, where they do not yet."""
        shown = self.root / str(month)
        recover(shown)
        with staged(shown) as stage:
            for path in sorted(folder.iterdir()):
                self.link_file(path, stage / path.name)
            put_in_place(shown, stage)

    def variant(self, month: Month, rules: MonthRules, source: str) -> Variant:
        """Return what documents of a month share, in the company's look."""
        return replace(
            _variant(month, rules, source), theme=themes_of(self.policy_folder, rules).company
        )

    def preview(self, tables: MonthTables, month: Month, rules: MonthRules, source: str) -> bytes:
        """Return the company pack of a month that is not published as a PDF that says so on each page."""
        themes = themes_of(self.policy_folder, rules)
        variant = replace(_variant(month, rules, source), is_preview=True)
        report = next(month_end_reports(tables, variant, Readers(themes=themes)))
        return render.pdf_of(render_job_of(report, f"preview-{month}.pdf"))

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
        last: LastReport | None = None,
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
        variant = _variant(month, rules, source)
        reports = month_end_reports(
            tables, variant, replace(readers or Readers(), themes=themes), before, last
        )
        folder = self.root / str(month)
        recover(folder)
        with staged(folder) as stage:
            places = _Places(printed_before or folder, stage, folder, self.link_file)
            published_set = _issue(reports, places, themes.warnings, progress)
            progress(
                f"{len(published_set.packs) + len(published_set.failed)} documents, {published_set.printed} printed"
            )
            manifest = manifest_of(
                published_set,
                month,
                source,
                tables,
                hashlib.sha256(_machinery().encode()).hexdigest(),
            )
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


def _issue(
    reports: Iterable[MonthEndReport],
    places: _Places,
    warnings: tuple[str, ...],
    progress: Callable[[str], None],
) -> PublishedSet:
    """Print what changed, put what did not beside it, and return all of it in order."""
    known = {entry["file"]: entry for entry in read_manifest(places.before).get("documents", [])}
    names = FileNames(known.values())
    order: list[str] = []
    packs: dict[str, Pack] = {}
    failed: dict[str, str] = {}
    waiting: dict[str, MonthEndReport] = {}
    digests: dict[str, str] = {}

    def jobs() -> Iterator[tuple[str, RenderJob, bool]]:
        for report in reports:
            name = names.of(report)
            job = render_job_of(report, name)
            digest, before = _digest(job), known.get(name)
            order.append(name)
            is_same = before and before["content_digest"] == digest
            if before and is_same and are_intact(places.before, before):
                packs[name] = _kept(before, places)
            else:
                waiting[name], digests[name] = report, digest
                yield name, job, report.kind in WITH_PICTURE

    for number, (name, done) in enumerate(printed(jobs()), 1):
        report = waiting.pop(name)
        if number <= TOLD_ALONE or number % TOLD_EACH == 0:
            progress(f"{number} printed, the last one {name}")
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


def render_job_of(report: MonthEndReport, name: str) -> RenderJob:
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
        f"{report.month} {name}",
        attached,
    )


def _write(report: MonthEndReport, name: str, done: Printed, digest: str, places: _Places) -> Pack:
    """Write a document in all its shapes."""
    stem = name.removesuffix(".pdf")
    shapes = {
        f"{stem}.html": render.browser_html_of(report).encode(),
        f"{stem}.xlsx": document_workbook(report),
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
        *first_page_of(report),
    )


def _kept(entry: dict[str, Any], places: _Places) -> Pack:
    """Put a document that did not change beside the new ones, without copying it."""
    for each in (entry["file"], *entry["other_shapes"]):
        places.link_file(places.before / each, places.stage / each)
    return pack_of(entry, places.shown)


def _variant(month: Month, rules: MonthRules, source: str) -> Variant:
    return Variant(month, rules, is_demo=source == EMBEDDED, records_at=_records_at(source))


def _records_at(source: str) -> str:
    """Return where a record can be opened in a browser; only addresses that are safe to click."""
    if source == EMBEDDED:
        return DEMO_RECORDS
    return source.rstrip("/") if source.startswith("https://") else ""


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
            for name in (
                "layout.html",
                "pack.html",
                "browser.html",
                "print.css",
                "screen.css",
                "tables.js",
            )
        ),
    ]
    versions = "".join(version(name) for name in ("weasyprint", "xlsxwriter", "pypdfium2"))
    return "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files) + versions
