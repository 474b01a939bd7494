from datetime import UTC, datetime
from pathlib import Path

import pytest
from upath import UPath

from connectors.storage.catalogue import Catalogue
from connectors.storage.document_ledger import DocumentFile, DocumentLedger
from connectors.storage.files import UnreadableFile, digest_of
from sales.calendar import Month

MONTH, FIRST, LATER = (
    Month(2026, 4),
    datetime(2026, 5, 3, 9, tzinfo=UTC),
    datetime(2026, 6, 1, 9, tzinfo=UTC),
)


def document(sha256: str, file: str = "company.pdf") -> DocumentFile:
    return DocumentFile(file, sha256, "Acme", "Confidential: management", "en")


def note(ledger: DocumentLedger, home: Path, files: list[DocumentFile], now: datetime) -> None:
    with Catalogue(home).begin() as database:
        ledger.record(database, MONTH, files, now)


def test_a_document_is_known_from_its_first_publication_on(tmp_path: Path) -> None:
    ledger = DocumentLedger(Catalogue(tmp_path))
    assert ledger.find("aa") == []
    assert not list(tmp_path.iterdir()), "looking writes nothing"
    note(ledger, tmp_path, [document("aa"), document("bb", "team.pdf")], FIRST)
    note(ledger, tmp_path, [document("aa"), document("bb", "team.pdf")], LATER)
    found = ledger.find("aa")
    assert [
        (each.file, each.month, each.revision, each.published_at, each.is_current) for each in found
    ] == [("company.pdf", "2026-04", 1, FIRST, True)]


def test_a_later_revision_replaces_an_earlier_one_and_both_stay_known(tmp_path: Path) -> None:
    ledger = DocumentLedger(Catalogue(tmp_path))
    note(ledger, tmp_path, [document("aa")], FIRST)
    note(ledger, tmp_path, [document("cc")], LATER)
    assert [
        (each.revision, each.is_current) for sha in ("aa", "cc") for each in ledger.find(sha)
    ] == [(1, False), (2, True)]


def test_a_document_that_is_published_again_after_another_is_current_again(tmp_path: Path) -> None:
    ledger = DocumentLedger(Catalogue(tmp_path))
    for sha256, day in (("aa", 1), ("bb", 2), ("aa", 3)):
        note(ledger, tmp_path, [document(sha256)], FIRST.replace(day=day))
    assert [ledger.find(sha256)[0].is_current for sha256 in ("aa", "bb")] == [True, False]
    assert ledger.find("aa")[0].published_at == FIRST.replace(day=1)


def test_where_a_document_was_handed_over_is_known(tmp_path: Path) -> None:
    ledger = DocumentLedger(Catalogue(tmp_path))
    note(ledger, tmp_path, [document("aa"), document("bb", "team.pdf")], FIRST)
    outbox = tmp_path / "outbox" / "2026-04"
    outbox.mkdir(parents=True)
    (outbox / "manifest.json").write_text(
        '{"documents": {"company.pdf": [{"sha256": "aa", "file": "company.pdf", "revision": 1}]}}'
    )
    assert ledger.handed_over(ledger.find("aa")[0], UPath(tmp_path / "outbox")) == str(
        outbox / "company.pdf"
    )
    assert ledger.handed_over(ledger.find("bb")[0], UPath(tmp_path / "outbox")) == ""


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert (
        digest_of(tmp_path / "a")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    with pytest.raises(UnreadableFile, match="name a file that is there"):
        digest_of(tmp_path / "none")
