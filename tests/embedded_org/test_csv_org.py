"""Folders of CSV files as people have them: of the API, or of Salesforce's weekly export."""

from pathlib import Path

import pytest

from embedded_org.csv_org import NoObjects, csv_org

API = "Id,Name,CloseDate,IsDeleted,CreatedDate\n006,Café,2026-02-20,{flag},2026-01-05T10:00:00.000+0000\n"
WEEKLY = '"Id","Name","CloseDate","IsDeleted","CreatedDate"\n"006","Café","2026-02-20 00:00:00","1","2026-01-05 10:00:00"\n'


def opportunities(folder: Path, content: bytes) -> list[tuple[object, ...]]:
    (folder / "Opportunity.csv").write_bytes(content)
    return csv_org(folder).run("select Name, CloseDate, IsDeleted, CreatedDate from Opportunity")


@pytest.mark.parametrize(
    "content",
    [
        API.format(flag="true").encode(),
        API.format(flag="TRUE").encode("utf-8-sig"),
        API.format(flag="1").encode(),
        WEEKLY.encode("latin-1"),
        WEEKLY.encode(),
    ],
)
def test_the_weekly_export_is_read_as_the_api_writes(tmp_path: Path, content: bytes) -> None:
    assert opportunities(tmp_path, content) == [
        ("Café", "2026-02-20", 1, "2026-01-05T10:00:00.000Z")
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (API.format(flag="yes"), r"Opportunity.csv line 2: neither true nor false: 'yes'"),
        (API.format(flag="true").replace("2026-02-20", "20.02.2026"), "line 2: not a date"),
        (API.format(flag="true").replace("T10", "x10"), "line 2: not an instant"),
    ],
)
def test_what_is_neither_is_refused_by_file_and_value(
    tmp_path: Path, content: str, says: str
) -> None:
    with pytest.raises(NoObjects, match=says):
        opportunities(tmp_path, content.encode())


def test_bytes_that_are_no_text_name_their_file(tmp_path: Path) -> None:
    with pytest.raises(NoObjects, match="Opportunity.csv is neither UTF-8 nor Windows-1252"):
        opportunities(tmp_path, b"Id,Name\n006,\x81\x8d\n")
