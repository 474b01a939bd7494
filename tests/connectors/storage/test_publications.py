import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import PUBLICATIONS
from connectors.storage.document_ledger import DocumentFile
from connectors.storage.leases import LeaseLost
from connectors.storage.monthly_tables import NotComputed, TableStore
from connectors.storage.publications import NoSuchRevision, PublishedMonths
from connectors.storage.revision_documents import documents_of
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from sales.contracts.quality import DataQuality
from tests.fakes import frame

MONTH = Month(2026, 3)
NOW, LATER = datetime(2026, 4, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 9, tzinfo=UTC)


def findings(detail: str, size: int = 3) -> pd.DataFrame:
    row = {
        "as_of_month": str(MONTH),
        "severity": "info",
        "detail": detail,
        "amount": Decimal("1.10"),
        "finding": "f",
        "as_of": datetime(2026, 4, 1, tzinfo=UTC),
        "extracted_at": datetime(2026, 4, 2, tzinfo=UTC),
    }
    return frame(DataQuality, [row | {"record_id": f"r{n:05d}"} for n in range(size)])


def write(home: Path, table: pd.DataFrame, digest: str) -> None:
    TableStore(Catalogue(home)).write("data_quality", MONTH, table, {"digest": digest})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in MONTHLY:
        TableStore(Catalogue(tmp_path)).write(
            name, MONTH, frame(MONTHLY[name], []), {"digest": "none"}
        )
    write(tmp_path, findings("one"), "one")
    return tmp_path


@pytest.fixture
def months(home: Path) -> PublishedMonths:
    return PublishedMonths(Catalogue(home))


def printed(home: Path, words: str) -> tuple[list[DocumentFile], Path]:
    """Print a document as the publisher does: in a new folder, with a manifest."""
    folder = Path(tempfile.mkdtemp(dir=home))
    (folder / "company.pdf").write_text(words)
    sha256 = hashlib.sha256(words.encode()).hexdigest()
    entry = {"file": "company.pdf", "sha256": sha256, "other_shapes": {}}
    (folder / "manifest.json").write_text(json.dumps({"documents": [entry]}))
    return [DocumentFile("company.pdf", sha256, "Acme", "all", "en")], folder


def test_readers_see_a_month_only_as_it_was_published(home: Path, months: PublishedMonths) -> None:
    assert (months.current(MONTH), months.first(MONTH), months.latest()) == (None, None, None)
    with pytest.raises(NotComputed, match="run `onpace report 2026-03`"):
        months.read("data_quality", MONTH)
    months.publish(MONTH, "e1", NOW)
    write(home, findings("two", 1), "two")  # a run that dies before it publishes
    pd.testing.assert_frame_equal(months.read("data_quality", MONTH), findings("one"))
    assert months.read("closing_plan", MONTH).empty
    months.publish(MONTH, "e1", LATER)
    assert len(months.read("data_quality", MONTH)) == 1
    assert months.latest() == MONTH


def test_who_is_not_alone_with_a_month_any_more_publishes_nothing(
    home: Path, months: PublishedMonths
) -> None:
    months.publish(MONTH, "e1", NOW, "d1", "", *printed(home, "first"))
    write(home, findings("two", 1), "two")

    def lost(_: sa.Connection) -> None:
        raise LeaseLost("another one took over")

    for _ in range(2):
        with pytest.raises(LeaseLost):
            months.publish(MONTH, "e1", LATER, "d2", "", *printed(home, "second"), guard=lost)
        current = months.current(MONTH)
        assert current is not None
        assert current.revision == 1
        assert (months.documents(MONTH) / "company.pdf").read_text() == "first"
        assert not months.kept.folder(MONTH, 2).exists()


def test_every_revision_stays_with_its_numbers_and_its_documents(
    home: Path, months: PublishedMonths
) -> None:
    months.publish(MONTH, "e1", NOW, "d1", "", *printed(home, "first"))
    write(home, findings("two", 1), "two")
    assert months.publish(MONTH, "e1", LATER, "d2", "", *printed(home, "second")).revision == 2
    assert (months.documents(MONTH) / "company.pdf").read_text() == "second"
    first = months.first(MONTH)
    assert first is not None
    assert (first.revision, first.at) == (1, NOW)
    pd.testing.assert_frame_equal(months.read("data_quality", MONTH, 1), findings("one"))
    assert len(months.read("data_quality", MONTH, 2)) == 1
    assert [(months.kept.folder(MONTH, n) / "company.pdf").read_text() for n in (1, 2)] == [
        "first",
        "second",
    ]
    with pytest.raises(NoSuchRevision, match="2026-03 has no revision 3; it has 1, 2"):
        months.read("data_quality", MONTH, 3)


def test_the_same_again_is_no_new_revision(home: Path, months: PublishedMonths) -> None:
    months.publish(MONTH, "e1", NOW, "d1", "recipe")
    write(home, findings("one"), "one")  # computed again to the same
    again = months.publish(MONTH, "e1", LATER, "d1", "another recipe")
    assert (again.revision, again.at, again.made_from) == (1, NOW, "another recipe")
    assert months.publish(MONTH, "e2", LATER, "d1").revision == 2, (
        "another extract is another revision: pages say when it was read"
    )
    assert months.publish(MONTH, "e2", LATER, "d2").revision == 3, "other documents too"


def test_a_table_that_came_with_a_new_version_is_no_new_revision(
    home: Path, months: PublishedMonths
) -> None:
    months.publish(MONTH, "e1", NOW, "d1")
    with Catalogue(home).begin() as database:
        row = database.execute(sa.select(PUBLICATIONS.c.tables)).one()
        fewer = {name: each for name, each in row.tables.items() if name != "closing_plan"}
        database.execute(PUBLICATIONS.update().values(tables=fewer, seal=None))
    assert months.publish(MONTH, "e1", LATER, "d1").revision == 1


def test_what_is_in_the_way_of_a_revision_is_set_aside(home: Path, months: PublishedMonths) -> None:
    left = home / "revisions" / str(MONTH) / "1"
    left.mkdir(parents=True)
    (left / "company.pdf").write_text("of a catalogue that is lost")
    with Catalogue(home).begin():
        pass
    assert months.publish(MONTH, "e1", NOW).revision == 1
    kept = home / "earlier" / "revisions" / str(MONTH) / "1" / "company.pdf"
    assert kept.read_text() == "of a catalogue that is lost"


def test_what_was_written_can_be_given_up(home: Path, months: PublishedMonths) -> None:
    months.publish(MONTH, "e1", NOW)
    write(home, findings("two", 1), "two")
    months.go_back(MONTH)
    pd.testing.assert_frame_equal(
        TableStore(Catalogue(home)).read("data_quality", MONTH), findings("one")
    )


def test_a_kill_between_archive_and_publication_leaves_the_month_as_it_was(
    home: Path, months: PublishedMonths, monkeypatch: pytest.MonkeyPatch
) -> None:
    months.publish(MONTH, "e1", NOW)
    write(home, findings("two", 1), "two")
    with monkeypatch.context() as killed:
        killed.setattr(Catalogue, "put", _killed)
        with pytest.raises(KeyboardInterrupt):
            months.publish(MONTH, "e1", LATER)
    pd.testing.assert_frame_equal(months.read("data_quality", MONTH), findings("one"))
    assert months.publish(MONTH, "e1", LATER).revision == 2
    assert [each.revision for each in months.revisions(MONTH)] == [1, 2]
    assert len(months.read("data_quality", MONTH, 2)) == 1


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_documents_that_are_damaged_or_gone_are_put_back_and_are_no_new_revision(
    home: Path, months: PublishedMonths
) -> None:
    months.publish(MONTH, "e1", NOW, "d1", "", *printed(home, "first"))
    folder = months.documents(MONTH)
    damages: list[Callable[[], object]] = [
        lambda: (folder / "company.pdf").write_text("f1rst"),
        (folder / "company.pdf").unlink,
        lambda: (folder / "manifest.json").write_text("{"),
        lambda: shutil.rmtree(folder),
    ]
    for damage in damages:
        damage()
        again = months.publish(MONTH, "e1", LATER, "d1", "", *printed(home, "first"))
        assert (again.revision, again.at) == (1, NOW)
        assert (months.documents(MONTH) / "company.pdf").read_text() == "first"
        assert documents_of(folder) == {
            each.file: each.sha256 for each in printed(home, "first")[0]
        }
    shutil.rmtree(folder)
    with pytest.raises(NotComputed, match="run `onpace report 2026-03` to print them again"):
        months.documents(MONTH)


def test_the_same_pages_in_other_shapes_are_a_new_revision(
    home: Path, months: PublishedMonths
) -> None:
    files, folder = printed(home, "first")
    months.publish(MONTH, "e1", NOW, "d1", "", files, folder)
    picture = DocumentFile("company.png", "0" * 64, "Acme", "all", "en")
    assert months.publish(MONTH, "e1", NOW, "d1", "", [*files, picture], folder).revision == 2


def test_extracts_of_every_revision_are_needed(home: Path, months: PublishedMonths) -> None:
    months.publish(MONTH, "e1", NOW)
    write(home, findings("two", 1), "two")
    months.publish(MONTH, "e2", LATER)
    assert months.extract_ids() == {"e1", "e2"}


def test_the_first_revision_and_the_newest_are_never_forgotten(
    home: Path, months: PublishedMonths
) -> None:
    for n, word in enumerate(("first", "second", "third"), 1):
        write(home, findings(word, n), word)
        at = NOW + timedelta(days=100 * n)
        months.publish(MONTH, f"e{n}", at, word, "", *printed(home, word))
    assert months.superseded(NOW + timedelta(days=300)) == []
    [second] = months.superseded(NOW + timedelta(days=301))
    assert second.revision == 2
    for number in (1, 3):
        with pytest.raises(NoSuchRevision, match=f"revision {number} of 2026-03 is the first or"):
            months.forget(months.revision(MONTH, number))
    months.forget(second)
    assert [each.revision for each in months.revisions(MONTH)] == [1, 3]
    assert months.extract_ids() == {"e1", "e3"}
    assert not months.kept.folder(MONTH, 2).exists()
    assert (months.documents(MONTH) / "company.pdf").read_text() == "third"
    with pytest.raises(NoSuchRevision, match="2026-03 has no revision 2; it has 1, 3"):
        months.revision(MONTH, 2)
    # Numbers go on, and are given once.
    write(home, findings("fourth", 4), "fourth")
    assert months.publish(MONTH, "e4", LATER, "d4", "", *printed(home, "4")).revision == 4


def test_a_month_looks_back_on_what_readers_had_when_it_was_published_first(
    home: Path, months: PublishedMonths
) -> None:
    following, last = MONTH.plus(1), LATER + timedelta(days=30)
    assert months.last_report(following) is None
    months.publish(MONTH, "e1", NOW, "d1", "", *printed(home, "first"))
    write(home, findings("two", 1), "two")
    months.publish(MONTH, "e1", LATER, "d2", "", *printed(home, "second"))

    def seen() -> int | None:
        was = months.last_report(following)
        return None if was is None else was.revision

    def publish_following(at: datetime, revision: int) -> None:
        catalogue = Catalogue(home)
        row = {"month": str(following), "revision": revision, "extract_id": "e1", "tables": {}}
        more = {"published_at": at.isoformat(), "documents": "", "made_from": ""}
        with catalogue.begin() as database:
            catalogue.put(database, PUBLICATIONS, row | more)

    assert seen() == 2  # never published: what readers have now
    publish_following(LATER - timedelta(days=1), 1)
    assert seen() == 1
    publish_following(last, 2)
    assert seen() == 1, "it stays the same whenever the month is published again"
