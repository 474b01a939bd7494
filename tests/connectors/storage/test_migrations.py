"""Homes as earlier versions of this program left them, and what becomes of them."""

import shutil
import tarfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.delivery.ledger import DeliveryLedger, Status
from connectors.storage import json_records, migrations
from connectors.storage.catalogue import FILE, Catalogue
from connectors.storage.catalogue_schema import METADATA
from connectors.storage.document_ledger import DocumentLedger
from connectors.storage.extracts import ExtractStore
from connectors.storage.files import UnusableHome, digest_of
from connectors.storage.json_records import DamagedRecord
from connectors.storage.migrations import (
    FORMAT,
    STEPS,
    NewerHome,
    NotUpgraded,
    format_of,
    mark,
    upgrade,
)
from connectors.storage.monthly_tables import TableStore
from connectors.storage.publications import PublishedMonths
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from sales.errors import UserError

HOMES = Path(__file__).parent / "homes"
FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)


def home_of(name: str, folder: Path) -> Path:
    with tarfile.open(HOMES / f"{name}.tar.xz") as archive:
        # Pythons before 3.11.4 know no filter; the archive is our own.
        archive.extractall(  # noqa: S202
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    return folder / "home"


def contents(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
    }


def known(home: Path) -> dict[str, list[str]]:
    """Return every row of a home's catalogue."""
    catalogue = Catalogue(home)
    return {
        name: sorted(str(row) for row in catalogue.rows(sa.select(table)))
        for name, table in METADATA.tables.items()
    }


def test_every_format_has_a_step_to_the_next() -> None:
    assert sorted(STEPS) == list(range(1, FORMAT))


@pytest.mark.parametrize(
    "name", [path.name.removesuffix(".tar.xz") for path in sorted(HOMES.glob("*.xz"))]
)
def test_a_home_of_an_earlier_version_is_brought_to_today_and_loses_nothing(
    tmp_path: Path, name: str
) -> None:
    home = home_of(name, tmp_path)
    before, was = contents(home), format_of(home)
    told: list[str] = []
    assert upgrade(home, told.append) == was
    assert (format_of(home), len(told)) == (FORMAT, FORMAT - was)
    after = contents(home)
    for path, content in before.items():
        if not path.startswith("published/") and not path.endswith((".lock", "format.json")):
            assert content in (after.get(path), after.get(f"earlier/format-2/{path}")), path
    months, extracts = PublishedMonths(Catalogue(home)), ExtractStore(Catalogue(home))
    assert {each.extract_id for each in extracts.all()} == {
        Path(path).stem for path in before if path.startswith("extracts/2")
    }
    assert [str(each) for each in extracts.copied_months()] == sorted(
        Path(path).stem for path in before if path.startswith("month_ends/")
    )
    assert months.months()
    for month in months.months():
        current = months.current(month)
        assert current is not None
        assert extracts.pinned(month) == extracts.chosen(month) == extracts.latest()
        folder = months.kept.folder(month, current.revision)
        assert (folder / "company.pdf").read_bytes() == before[f"packs/{month}/company.pdf"]
        assert len(months.read("opportunity_snapshot", month)) > 0
        assert (
            current.tables.items()
            <= {name: TableStore(Catalogue(home)).written(name, month) for name in MONTHLY}.items()
        )
    assert upgrade(home, told.append) == FORMAT
    assert contents(home) == after, "a second time changes nothing"


def test_documents_and_deliveries_of_format_2_are_known(tmp_path: Path) -> None:
    catalogue = Catalogue(home_of("format-2", tmp_path))
    upgrade(catalogue.home)
    first, second = PublishedMonths(catalogue).revisions(MARCH)
    assert (first.revision, second.revision) == (1, 2)
    assert first.at is not None
    printed = [
        digest_of(catalogue.home / "revisions" / "2026-03" / number / "company.pdf")
        for number in ("1", "2")
    ]
    found = [DocumentLedger(catalogue).find(each)[0] for each in printed]
    assert [(each.revision, each.is_current) for each in found] == [(1, False), (2, True)]
    ledger = DeliveryLedger(catalogue)
    assert ledger.recipients_of(printed[1]) == ["ann@acme.example"]
    assert ledger.approved_by("2026-03", "digest") == "Ann"
    assert ledger.counts()[Status.PLANNED] == 1


def test_a_revision_that_was_archived_and_never_shown_is_none(tmp_path: Path) -> None:
    home = home_of("format-2", tmp_path)
    folder = home / "revisions" / "2026-03"
    shutil.copytree(folder / "2", folder / "3")
    path = folder / "3" / "publication.json"
    path.write_text(path.read_text().replace('"revision": 2', '"revision": 3'))
    upgrade(home)
    months = PublishedMonths(Catalogue(home))
    assert [each.revision for each in months.revisions(MARCH)] == [1, 2]


def test_a_catalogue_of_another_time_is_set_aside_and_the_records_are_read(tmp_path: Path) -> None:
    """A backup was copied over a home that had been upgraded: what the older version did since counts."""
    home, again = home_of("format-2", tmp_path), home_of("format-2", tmp_path / "backup")
    upgrade(home)
    shutil.copytree(again, home, dirs_exist_ok=True)
    (home / "chosen" / "2026-04.json").write_text('{"extract_id": "20260504T000000000000"}')
    upgrade(home)
    assert ExtractStore(Catalogue(home)).chosen(MARCH.plus(1)) is not None
    assert (home / "earlier" / FILE).exists()
    assert (home / "earlier" / "format-2" / "chosen" / "2026-03-2.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("deliveries.sqlite", b"no database" * 50, "deliveries.sqlite cannot be read"),
        ("publications.sqlite", b"no database" * 50, "publications.sqlite cannot be read"),
        ("chosen/2026-03.json", b"{}", "2026-03.json cannot be read"),
        ("chosen/2026-03.json", b'{"extract_id": "e", "more": 1}', "2026-03.json cannot be read"),
        ("published/2026-03.json", b'{"revision": "x", "extract_id": "e", "tables": {}}', "cannot"),
        ("format.json", b"{", "format.json cannot be read"),
    ],
)
def test_what_is_damaged_is_one_sentence_with_its_file(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    home = home_of("format-2", tmp_path)
    (home / name).write_bytes(content)
    with pytest.raises(DamagedRecord, match=says):
        upgrade(home)
    assert not (home / FILE).exists()


def test_a_ledger_of_documents_that_was_only_begun_is_empty(tmp_path: Path) -> None:
    home = home_of("format-2", tmp_path)
    (home / "publications.sqlite").write_bytes(b"")
    upgrade(home)
    assert DocumentLedger(Catalogue(home)).find("aa") == []


def test_deliveries_without_an_extract_are_carried_over(tmp_path: Path) -> None:
    old = home_of("format-2", tmp_path)
    home = tmp_path / "bare"
    home.mkdir()
    shutil.copy(old / "deliveries.sqlite", home)
    upgrade(home)
    assert DeliveryLedger(Catalogue(home)).counts()[Status.SENT] == 1


def test_a_damaged_record_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    home = home_of("format-2", tmp_path)
    (home / "chosen" / "2026-03.json").write_text("{")
    before = contents(home)
    with pytest.raises(
        DamagedRecord, match=r"home/chosen/2026-03.json cannot be read .*from a backup"
    ):
        upgrade(home)
    assert {path: text for path, text in contents(home).items() if path in before} == before
    assert format_of(home) == 2


def test_the_first_version_kept_no_first_publication(tmp_path: Path) -> None:
    home = home_of("format-1-of-the-first-version", tmp_path)
    upgrade(home)
    months = PublishedMonths(Catalogue(home))
    assert {
        month: [each.revision for each in months.revisions(month)] for month in months.months()
    } == {FEBRUARY: [1], MARCH: [1]}
    assert months.read("phased_targets", MARCH)["annual_target"].astype(float).max() == 2400


def test_a_first_publication_becomes_the_first_revision(tmp_path: Path) -> None:
    home = home_of("format-1-with-a-first-publication", tmp_path)
    upgrade(home)
    months = PublishedMonths(Catalogue(home))
    assert [each.revision for each in months.revisions(MARCH)] == [1, 2]
    assert [
        months.read("phased_targets", MARCH, number)["annual_target"].astype(float).max()
        for number in (1, 2, None)
    ] == [1200, 2400, 2400]


FORMAT_1 = ("format-1-with-a-first-publication", "format-1-of-the-first-version")
STOPS_OF_1 = ("migrations.shutil.rmtree", "migrations.mark", "migrations.link")
STOPS_OF_2 = ("json_records._set_all_aside", "json_records.Catalogue.put", "migrations.mark")


@pytest.mark.parametrize(
    ("name", "stopped_at"),
    [(name, stop) for name in FORMAT_1 for stop in (*STOPS_OF_1, *STOPS_OF_2[:2])]
    + [("format-2", stop) for stop in STOPS_OF_2],
)
def test_an_upgrade_that_was_stopped_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stopped_at: str
) -> None:
    home, whole = (home_of(name, tmp_path / each) for each in ("stopped", "whole"))
    upgrade(whole)
    with monkeypatch.context() as broken:
        broken.setattr(migrations, "rehearse", lambda _: None)  # which would be stopped first
        stop = f"connectors.storage.{stopped_at}"
        broken.setattr(stop, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            upgrade(home)
    assert format_of(home) < FORMAT
    upgrade(home)
    assert known(home) == known(whole)
    assert {**contents(home), FILE: b""} == {**contents(whole), FILE: b""}


def test_a_newer_home_is_refused_and_left_alone(tmp_path: Path) -> None:
    mark(tmp_path, FORMAT + 1)
    before = contents(tmp_path)
    with pytest.raises(NewerHome, match=f"has format {FORMAT + 1}.*install the later version"):
        upgrade(tmp_path)
    assert contents(tmp_path) == before


def test_a_new_home_needs_nothing_and_nothing_is_written(tmp_path: Path) -> None:
    assert upgrade(tmp_path / "home") == FORMAT
    assert not (tmp_path / "home").exists()


def test_a_folder_of_other_things_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / ".hidden").touch()
    assert upgrade(tmp_path) == FORMAT, "what a disk or Dagster puts there first"
    (tmp_path / "letters").mkdir()
    with pytest.raises(UnusableHome, match="'letters'.*set ONPACE_HOME to an empty folder"):
        upgrade(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".hidden", "dagster", "letters"]


@pytest.mark.parametrize("name", [*FORMAT_1, "format-2"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (KeyError("month"), "was not upgraded, and is as it was: .*KeyError"),
        (OSError(28, "No space left on device"), "No space left on device.*nothing is lost"),
        (DamagedRecord("a record cannot be read"), "a record cannot be read"),
    ],
)
def test_a_rehearsal_that_fails_leaves_the_home_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: Exception, says: str
) -> None:
    home = home_of(name, tmp_path)
    before = contents(home)

    def fail(folder: Path) -> None:
        (folder / "extracts").rename(folder / "gone")
        raise fault

    what, _ = STEPS[2]
    monkeypatch.setitem(STEPS, 2, (what, fail))
    with pytest.raises(UserError, match=says):
        upgrade(home)
    assert contents(home) == before | {".upgrade.lock": b""}
    monkeypatch.undo()
    assert upgrade(home) < FORMAT == format_of(home)


def test_a_step_that_would_lose_a_month_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of("format-2", tmp_path)
    before = contents(home)

    def lose(folder: Path) -> None:
        next((folder / "published").glob("*.json")).unlink()
        json_records.into_catalogue(folder)

    monkeypatch.setitem(STEPS, 2, ("loses a month", lose))
    with pytest.raises(NotUpgraded, match="of published would be lost"):
        upgrade(home)
    assert contents(home) == before | {".upgrade.lock": b""}


def test_what_a_killed_rehearsal_left_is_removed(tmp_path: Path) -> None:
    home = home_of("format-2", tmp_path)
    (home / ".rehearsal-1" / "packs").mkdir(parents=True)
    upgrade(home)
    assert not list(home.glob(".rehearsal*"))
