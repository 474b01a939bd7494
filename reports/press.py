"""The press: which documents a month has, printing those that changed, and the manifest.

Put publishing here: file names, digests, workers, `manifest.json`. What a document
says is `month_end`, how it becomes PDF is `render`.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import re
import shutil
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from reports import formats, render
from reports.document import Edition, MonthEndReport
from reports.grain_tables import MonthTables
from reports.month_end import month_end_reports
from sales.calendar import Month
from sales.extract import EMBEDDED
from sales.fault import Fault
from sales.policy import MonthRules

WORKERS = 2
# A worker's start costs about two seconds of CPU: as much as ten personal pages.
FEW_DOCUMENTS = 30
LARGEST_LOGO = 500_000
PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<"


class InvalidLogo(Fault, ValueError):
    """The brand's logo cannot be printed."""


@dataclass(frozen=True)
class Pack:
    """One published document."""

    path: Path
    title: str
    kind: str
    grain_id: str
    sha256: str
    content_digest: str


@dataclass(frozen=True)
class Issue:
    """All documents of a month, the company's first; `printed` of them were printed now."""

    folder: Path
    packs: list[Pack]
    printed: int

    @property
    def digest(self) -> str:
        """A digest of everything that was published."""
        return hashlib.sha256("".join(pack.sha256 for pack in self.packs).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Press:
    """Prints packs below `root/YYYY-MM`; logos lie in the policy folder."""

    root: Path
    policy_folder: Path
    link_base: str = ""

    def link(self, path: Path) -> str:
        """Return an address at which a browser opens a document."""
        inside = path.relative_to(self.root).as_posix()
        return f"{self.link_base.rstrip('/')}/{inside}" if self.link_base else path.as_uri()

    def publish(self, tables: MonthTables, month: Month, rules: MonthRules, source: str, say: Callable[[str], None] = lambda _: None) -> Issue:
        """Print the month's documents that changed and write the manifest; the old state stays until then."""
        logo = logo_of(self.policy_folder, rules)
        edition = Edition(month, rules, is_demo=source == EMBEDDED, logo=render.LOGO if logo else None)
        reports = month_end_reports(tables, edition)
        folder = self.root / str(month)
        _recover(folder)
        known = {entry["file"]: entry for entry in _manifest(folder).get("documents", [])}
        packs: list[Pack | None] = []
        jobs: list[tuple[int, str, MonthEndReport, str, str]] = []
        for position, report in enumerate(reports):
            html = render.html_of(report)
            name, content_digest = file_name(report), _digest(html, logo)
            before = known.get(name)
            if before and before["content_digest"] == content_digest and _is_intact(folder / name, before["sha256"]):
                packs.append(_pack(folder / name, report, before["sha256"], content_digest))
            else:
                packs.append(None)
                jobs.append((position, html, report, name, content_digest))
        say(f"{len(reports)} documents, {len(jobs)} to print")
        pages = _print([(html, logo, f"{month} {name}") for _, html, _, name, _ in jobs])
        printed = {name: content for (_, _, _, name, _), content in zip(jobs, pages, strict=True)}
        for position, _, report, name, content_digest in jobs:
            packs[position] = _pack(folder / name, report, hashlib.sha256(printed[name]).hexdigest(), content_digest)
        issue = Issue(folder, [pack for pack in packs if pack is not None], len(jobs))
        content = {pack.path.name for pack in issue.packs} | {"manifest.json"}
        manifest = _manifest_of(issue, month, source, tables)
        if not jobs and folder.exists() and {path.name for path in folder.iterdir()} == content and _holds(folder, manifest):
            return issue
        with _replacing(folder) as staged:
            for pack in issue.packs:
                if pack.path.name in printed:
                    (staged / pack.path.name).write_bytes(printed[pack.path.name])
                else:
                    os.link(pack.path, staged / pack.path.name)
            (staged / "manifest.json").write_bytes(manifest)
        return issue


def logo_of(policy_folder: Path, rules: MonthRules) -> bytes | None:
    """Return the brand's logo, or none; raises `InvalidLogo`."""
    name = rules.policy.brand.logo
    if name is None:
        return None
    path = (policy_folder / name).resolve()
    if not path.is_relative_to(policy_folder.resolve()):
        raise InvalidLogo(f"[brand] logo = {name[:60]!r} lies outside the policy folder; put the file into it")
    if not path.is_file() or path.stat().st_size > LARGEST_LOGO:
        raise InvalidLogo(f"[brand] logo = {name[:60]!r} is no file of at most {LARGEST_LOGO:,} bytes in the policy folder")
    content = path.read_bytes()
    if not (content.startswith(PNG) or content.lstrip().startswith(SVG)):
        raise InvalidLogo(f"[brand] logo = {name[:60]!r} is neither PNG nor SVG")
    return content


def file_name(report: MonthEndReport) -> str:
    """Return a file name that is safe everywhere, and different for different people and teams."""
    if report.kind == "company":
        return "company.pdf"
    shown = report.title if report.kind == "person" else report.grain_id
    ascii_name = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40].strip("-")
    tail = hashlib.sha256(report.grain_id.encode()).hexdigest()[:6]
    return "-".join(part for part in (report.kind, slug, tail) if part) + ".pdf"


def _print(jobs: Sequence[tuple[str, bytes | None, str]]) -> list[bytes]:
    if len(jobs) < FEW_DOCUMENTS:
        with render.no_garbage_collection():
            return [render.pdf_of(*job) for job in jobs]
    context = multiprocessing.get_context("spawn")
    workers = min(WORKERS, os.cpu_count() or 1, len(jobs))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_parent) as pool:
        return list(pool.map(_print_in_worker, *zip(*jobs, strict=True)))


def _print_in_worker(html: str, logo: bytes | None, identifier: str) -> bytes:
    with render.no_garbage_collection():
        return render.pdf_of(html, logo, identifier)


def _follow_parent() -> None:
    """End this worker when its parent is killed: nobody else would."""
    parent = multiprocessing.parent_process()
    Finalize(None, render.forget_fonts, exitpriority=10)

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _pack(path: Path, report: MonthEndReport, sha256: str, content_digest: str) -> Pack:
    return Pack(path, report.title, report.kind, report.grain_id, sha256, content_digest)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _manifest_of(issue: Issue, month: Month, source: str, tables: MonthTables) -> bytes:
    snapshot = tables.opportunity_snapshot
    documents = [
        {
            "file": pack.path.name, "title": pack.title, "kind": pack.kind, "grain_id": pack.grain_id,
            "sha256": pack.sha256, "content_digest": pack.content_digest,
        }
        for pack in issue.packs
    ]  # fmt: skip
    content = {
        "month": str(month),
        "source": source,
        "as_of": snapshot["as_of"].iloc[0].isoformat(),
        "extracted_at": snapshot["extracted_at"].iloc[0].isoformat(),
        "documents": documents,
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def _digest(html: str, logo: bytes | None) -> str:
    whole = hashlib.sha256(html.encode())
    whole.update(_machinery().encode())
    whole.update(logo or b"")
    return whole.hexdigest()


@lru_cache(maxsize=1)
def _machinery() -> str:
    """What else decides how a page looks: the style sheet, the fonts and the renderer."""
    fonts = "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(formats.FONTS.glob("*.ttf")))
    return f"{render.stylesheet()}{fonts}{version('weasyprint')}"


def _holds(folder: Path, manifest: bytes) -> bool:
    return (folder / "manifest.json").read_bytes() == manifest


def _is_intact(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill, and put it in the place of another: readers see all of the old pack or all of the new."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    staged.chmod(0o755)
    try:
        yield staged
        for path in staged.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(_former(folder))
        staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(_former(folder), ignore_errors=True)


def _recover(folder: Path) -> None:
    """Put a pack back that a killed run had moved aside, and forget what it had staged."""
    if _former(folder).exists() and not folder.exists():
        _former(folder).rename(folder)
    for left in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def _former(folder: Path) -> Path:
    return folder.parent / f".{folder.name}-former"
