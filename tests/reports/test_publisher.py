import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from reports import publisher as publisher_module
from reports.document.document import MonthEndReport
from reports.month_end import month_end_reports
from reports.published_set import DocumentsFailed, PublishedSet
from reports.publisher import Publisher
from reports.rendering import pdf as render
from reports.rendering import pool as workers
from sales.history.extract import EMBEDDED
from tests.plain_pages import plain_pages
from tests.reports.months import MONTH, reports_of, tables_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plain() -> Iterator[None]:
    """What becomes of documents is tried without setting them."""
    with plain_pages():
        yield


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "packs", tmp_path)


@pytest.mark.usefixtures("plain")
def test_a_month_is_printed_once_and_only_what_changed_again(publisher: Publisher) -> None:
    tables, variant = tables_of(4)
    first = publisher.publish(tables, MONTH, variant.rules, "here")
    assert (len(first.packs), first.printed, first.failed) == (5, 5, {})
    again = publisher.publish(tables, MONTH, variant.rules, "here")
    assert (again.printed, again.packs) == (0, first.packs)
    first.packs[3].path.write_bytes(b"damaged")
    healed = publisher.publish(tables, MONTH, variant.rules, "here")
    assert (healed.printed, healed.digest) == (1, first.digest)
    (first.folder / "person-ann-aa18a4.html").unlink(missing_ok=True)
    others, _ = tables_of(5)
    assert publisher.publish(others, MONTH, variant.rules, "here").printed < 5 + 1
    assert publisher.publish(tables, MONTH, variant.rules, EMBEDDED).printed == 5


@pytest.mark.usefixtures("plain")
def test_reading_salesforce_again_without_news_prints_nothing(publisher: Publisher) -> None:
    """Pages and their tables hang on what was known, not on when it was read."""
    tables, variant = tables_of(4)
    publisher.publish(tables, MONTH, variant.rules, "here")
    later = {
        name: table.assign(
            extracted_at=table["extracted_at"] + __import__("pandas").Timedelta(days=1)
        )
        for name, table in vars(tables).items()
        if len(table)
    }
    assert publisher.publish(replace(tables, **later), MONTH, variant.rules, "here").printed == 0


@pytest.mark.usefixtures("plain")
def test_the_manifest_names_every_file_with_its_digest_and_nothing_else_lies_there(
    publisher: Publisher,
) -> None:

    tables, variant = tables_of(4)
    folder = publisher.publish(tables, MONTH, variant.rules, "here").folder
    (folder / "person-gone-000000.pdf").write_bytes(b"old")
    publisher.publish(tables, MONTH, variant.rules, "here")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["month"], manifest["source"], manifest["as_of"], manifest["failed"]) == (
        "2026-04",
        "here",
        "2026-05-01T00:00:00+00:00",
        {},
    )
    named = {each["file"]: each["sha256"] for each in manifest["documents"]}
    for each in manifest["documents"]:
        named |= each["other_shapes"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*named, "manifest.json"])
    assert all(
        hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in named.items()
    )
    assert {Path(name).suffix for name in named} == {".pdf", ".html", ".xlsx", ".png"}
    assert len({each["content_digest"] for each in manifest["documents"]}) == 5


def test_the_same_month_gives_the_same_files_wherever_it_is_printed(
    publisher: Publisher, tmp_path: Path
) -> None:
    tables, variant = tables_of(4)
    one = publisher.publish(tables, MONTH, variant.rules, "here").folder
    other = (
        Publisher(tmp_path / "other", tmp_path).publish(tables, MONTH, variant.rules, "here").folder
    )
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in other.iterdir()
    }


def test_many_documents_are_printed_by_workers_and_look_the_same(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, variant = tables_of(4)
    alone = publisher.publish(tables, MONTH, variant.rules, "here")
    monkeypatch.setattr(workers, "FEW_DOCUMENTS", 2)
    together = Publisher(tmp_path / "other", tmp_path).publish(tables, MONTH, variant.rules, "here")
    assert [pack.sha256 for pack in together.packs] == [pack.sha256 for pack in alone.packs]


def with_one_broken(name: str, html: str) -> Any:
    """The documents of a month, one of them with a page of its own."""

    def reports(*given: Any) -> Iterator[MonthEndReport]:
        for each in month_end_reports(*given):
            yield (
                replace(
                    each,
                    sections=(
                        *each.sections,
                        replace(each.sections[0], key="x", figure=html, css=""),
                    ),
                )
                if each.title == name
                else each
            )

    return reports


@pytest.mark.parametrize(
    ("few", "html"),
    [
        (30, '<img alt="a" src="http://example.invalid/a.png"/>'),
        (2, "<p style='break-before: page'>x</p>" * 200),
    ],
)
def test_a_document_that_cannot_be_printed_is_named_and_does_not_stop_the_others(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, few: int, html: str
) -> None:
    from markupsafe import Markup

    tables, variant = tables_of(4)
    monkeypatch.setattr(workers, "FEW_DOCUMENTS", few)
    monkeypatch.setattr(publisher_module, "month_end_reports", with_one_broken("Bob", Markup(html)))  # noqa: S704  # what a defect would do
    published_set = publisher.publish(tables, MONTH, variant.rules, "here")
    assert list(published_set.failed) == ["Personal page Bob"]
    assert (len(published_set.packs), published_set.printed) == (4, 4)
    with pytest.raises(
        DocumentsFailed,
        match=r"Personal page Bob could not be printed: .*; the other 4 documents are in ",
    ):
        published_set.refuse_failed()
    assert (
        json.loads((published_set.folder / "manifest.json").read_text())["failed"]
        == published_set.failed
    )
    monkeypatch.undo()
    healed = publisher.publish(tables, MONTH, variant.rules, "here")
    assert (healed.printed, healed.failed) == (1, {})


def test_a_worker_that_dies_takes_no_other_document_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bob's page ends its process, as one that fills the memory would."""
    monkeypatch.setattr(workers, "FEW_DOCUMENTS", 1)
    monkeypatch.setattr(
        workers, "_pool", lambda count: workers.ProcessPoolExecutor(count, initializer=_die_of_bob)
    )
    jobs = [
        (report.title, publisher_module.render_job_of(report, "a.pdf"), False)
        for report in reports_of(4)[-2:]
    ]
    found = dict(workers.printed(iter(jobs)))
    assert isinstance(found["Ann"], workers.Printed)
    assert found["Bob"] == workers.Unprinted(
        "printing it ended the process, most likely for want of memory"
    )


def _die_of_bob() -> None:
    printing = render.pdf_of

    def pdf_of(job: render.RenderJob) -> bytes:
        if "<h1>Bob</h1>" in job.html:
            os._exit(9)
        return printing(job)

    render.pdf_of = pdf_of


@pytest.mark.usefixtures("plain")
def test_a_pack_is_replaced_whole(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes, the publisher leaves the old pack; killed between two renames, the next run puts it back."""
    tables, variant = tables_of(4)
    folder = publisher.publish(tables, MONTH, variant.rules, "here").folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(publisher_module, "manifest_of", killed)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(tables, MONTH, variant.rules, EMBEDDED)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    folder.rename(folder.parent / f".{folder.name}-former")
    (folder.parent / f".{folder.name}-abandoned").mkdir()
    assert publisher.publish(tables, MONTH, variant.rules, "here").printed == 0
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_demo_records_lie_at_an_address_that_nobody_owns() -> None:
    assert publisher_module._records_at(EMBEDDED).endswith(".example")
    assert (
        publisher_module._records_at("https://acme.my.salesforce.com/")
        == "https://acme.my.salesforce.com"
    )
    assert publisher_module._records_at("http://127.0.0.1:8080") == ""


def test_the_tables_of_a_document_are_inside_its_pdf(publisher: Publisher) -> None:
    tables, variant = tables_of(4)
    published_set = publisher.publish(tables, MONTH, variant.rules, "here")
    with pikepdf.open(published_set.packs[0].path) as pdf:
        assert {
            "closing_plan.csv",
            "deals_of_the_year.csv",
            "target_attainment.csv",
            "data_quality.csv",
        } <= set(pdf.attachments)
        plan = pdf.attachments["closing_plan.csv"].get_file().read_bytes().decode()
    assert len(plan.splitlines()) == 1 + len(tables.closing_plan)


WORKER = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
sys.path.insert(0, sys.argv[1])
from reports.rendering.pool import begin
import time
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=begin)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(WORKER)
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    worker = int(done.stdout)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        os.sched_yield()
    pytest.fail("the worker outlived its parent")


def test_a_run_that_is_cancelled_while_a_chart_is_drawn_publishes_nothing(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WeasyPrint takes whatever is raised while it draws for a fault of the picture, a cancellation too."""
    from weasyprint.svg import SVG

    tables, variant = tables_of(4)
    drawing, shown = SVG.draw, list[Path]()
    times = iter(range(10**6))

    def cancelled(*given: object) -> None:
        if next(times) == 2:
            raise KeyboardInterrupt
        drawing(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(SVG, "draw", cancelled)
    with pytest.raises(KeyboardInterrupt):
        publisher.publish(
            tables, MONTH, variant.rules, "here", publish=lambda _, folder: shown.append(folder)
        )
    assert not shown
    assert list(publisher.root.iterdir()) == []
    monkeypatch.undo()
    assert publisher.publish(tables, MONTH, variant.rules, "here").printed == 5


@pytest.mark.usefixtures("plain")
def test_what_readers_see_is_put_right_from_what_was_published(publisher: Publisher) -> None:
    tables, variant = tables_of(4)
    kept = publisher.root.parent / "revisions"

    def keep(_: PublishedSet, folder: Path) -> None:
        shutil.copytree(folder, kept)

    shown = publisher.publish(tables, MONTH, variant.rules, "here", publish=keep).folder
    whole = {path.name: path.read_bytes() for path in kept.iterdir()}
    (shown / "company.pdf").write_bytes(b"damaged")
    (shown / "company.html").unlink()
    publisher.show(MONTH, kept)
    assert {path.name: path.read_bytes() for path in shown.iterdir()} == whole
    shutil.rmtree(shown)
    publisher.show(MONTH, kept)
    assert {path.name: path.read_bytes() for path in shown.iterdir()} == whole


def _copied(path: Path, target: Path) -> None:
    shutil.copy(path, target)


@pytest.mark.usefixtures("plain")
def test_documents_are_kept_where_files_cannot_have_two_names(tmp_path: Path) -> None:
    """Case: a file system without hard links."""
    tables, variant = tables_of(4)
    copying = Publisher(tmp_path / "packs", tmp_path, "", _copied)
    copying.publish(tables, MONTH, variant.rules, "here")
    assert copying.publish(tables, MONTH, variant.rules, "here").printed == 0
