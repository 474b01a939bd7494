from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.document.document import MonthEndReport
from reports.file_names import FileNames
from tests.reports.months import reports_of

REPORTS = reports_of(4)
TEAM = next(each for each in REPORTS if each.kind == "team")
PERSON = REPORTS[-1]


def called(title: str, grain_id: str = "") -> MonthEndReport:
    return replace(PERSON, title=title, grain_id=grain_id or title)


def entries(reports: Iterable[MonthEndReport], files: Iterable[str]) -> list[dict[str, str]]:
    return [
        {"kind": each.kind, "grain_id": each.grain_id, "file": file}
        for each, file in zip(reports, files, strict=True)
    ]


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Ольга Петрова", "ol-ga-petrova"),
        ("北京", "beijing"),
        ("Łukasz Größe", "lukasz-grosse"),
        ("Νίκος", "nikos"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\x00b", "a-b"),
        ("\u2068Ann\u2069", "ann"),
    ],
)
def test_names_are_readable_in_every_script(title: str, slug: str) -> None:
    assert FileNames().of(called(title)).rpartition("-")[0] == f"person-{slug}"


@given(st.lists(st.text(max_size=300), unique=True, max_size=20))
def test_names_are_safe_and_never_shared(titles: list[str]) -> None:
    names = FileNames()
    found = [names.of(called(title, f"{n} {title!r}")) for n, title in enumerate(titles)]
    assert len(set(found)) == len(found)
    assert all(
        name.isascii()
        and name.islower()
        and name.isprintable()
        and not set(name) & set('/\\:*?"<>| ')
        and len(name) < 70
        and name.startswith("person-")
        for name in found
    )


def test_namesakes_and_languages_have_a_file_each() -> None:
    names = FileNames()
    german = replace(called("Ann", "one"), variant="de.letter")
    found = [names.of(each) for each in (called("Ann", "one"), called("Ann", "two"), german)]
    assert len(set(found)) == 3
    assert found[2] == found[0].replace(".pdf", ".de.letter.pdf")


def test_ids_that_share_a_short_digest_have_a_file_each() -> None:
    """Found by trying names: SHA-256 of both ids begins with the same six digits."""
    by_digest: dict[str, str] = {}
    one = other = ""
    for n in range(100_000):
        other = f"0-{n}-{'x' * 40}"
        one = by_digest.setdefault(hashlib.sha256(other.encode()).hexdigest()[:6], other)
        if one != other:
            break
    names = FileNames()
    first = names.of(called("Ann", one))
    second = names.of(called("Ann", other))
    assert first != second
    assert len(second) > 64


def test_a_document_keeps_the_name_it_was_printed_under() -> None:
    """Before names were transliterated, this team's file had no letters."""
    team = replace(TEAM, grain_id="北京")
    before = entries([team], ["team-0a1b2c.pdf"])
    names = FileNames(before)
    assert names.of(team) == "team-0a1b2c.pdf"
    assert names.of(replace(team, variant="de")).startswith("team-beijing-")


def test_nobody_gets_the_name_that_another_document_keeps() -> None:
    ann, namesake = called("Ann", "one"), called("Ann", "two")
    usual = FileNames().of(namesake)
    names = FileNames(entries([ann], [usual]))
    assert names.of(namesake) != usual
    assert names.of(ann) == usual


def test_a_month_printed_again_names_its_files_as_before() -> None:
    first = FileNames()
    files = [first.of(each) for each in REPORTS]
    again = FileNames(entries(REPORTS, files))
    assert [again.of(each) for each in REPORTS] == files
