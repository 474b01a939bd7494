"""Managers' words in the policy folder: whose a file is, and what is refused by name."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.policy.commentary import commentary_file, is_of_another_month, read_commentary
from sales.calendar import Month
from sales.policy.commentary import Commentary, InvalidCommentary, parse_commentary

ROOT = Path(__file__).parents[3]
OCTOBER = Month(2026, 10)
WORDS = "Author: Margaret Hale\nDate: 2026-11-03\n\nA good month.\n\n- two wins\n"


def written(folder: Path, name: str, text: str = WORDS, month: str = "2026-10") -> Path:
    path = folder / "commentary" / month / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_words_are_of_the_company_or_a_team(tmp_path: Path) -> None:
    written(tmp_path, "company.md")
    assert written(tmp_path, "team-public-sector.md") == commentary_file(
        tmp_path, OCTOBER, "Public Sector"
    )
    written(tmp_path, "company.md", "nonsense", "2026-09")
    found = read_commentary(tmp_path, OCTOBER, {"Public Sector", "Nörd"})
    said = Commentary("Margaret Hale", date(2026, 11, 3), "A good month.\n\n- two wins")
    assert found == {None: said, "Public Sector": said}
    assert read_commentary(tmp_path, Month(2026, 8), {"North"}) == {}


def test_a_file_that_is_nobodys_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, "team-nrth.md")
    with pytest.raises(
        InvalidCommentary, match=r"2026-10/team-nrth.md is no team's; did you mean team-north.md"
    ):
        read_commentary(tmp_path, OCTOBER, {"North", "South"})


def test_a_file_that_two_teams_would_share_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "team-north-1.md")
    with pytest.raises(InvalidCommentary, match="fits several teams"):
        read_commentary(tmp_path, OCTOBER, {"North 1", "North-1"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "names no author"),
        ("Author: A\nDate: 2026-11-03\n", "has no words"),
        ("Author: A\nDate: 3 Nov\n\nx", "has the date '3 Nov'"),
        ("Author: \nDate: 2026-11-03\n\nx", "names no author"),
        ("Hello\n\nx", "'Hello' is not one of its first lines"),
        (
            "Author: A\nAuthor: B\nDate: 2026-11-03\n\nx",
            "'Author: B' is not one of its first lines",
        ),
        ("Author: A\nDate: 2026-11-03\n\n" + "x" * 2001, "has 2,001 letters"),
        ("Author: A\nDate: 2026-11-03\n\n" + "x\n" * 60, "has more than 40 lines"),
        (f"Author: {'A' * 121}\nDate: 2026-11-03\n\nx", "names no author of at most 120"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text: str, why: str) -> None:
    with pytest.raises(InvalidCommentary, match=why) as fault:
        parse_commentary(text, "company.md")
    assert "\n" not in str(fault.value)


def test_lines_may_end_as_windows_ends_them(tmp_path: Path) -> None:
    path = written(tmp_path, "company.md", "")
    path.write_bytes(WORDS.replace("\n\n", "\n \n", 1).replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_commentary(tmp_path, OCTOBER, set())[None].text == "A good month.\n\n- two wins"


@given(
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40),
    st.dates(),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=200),
)
def test_what_is_written_is_read_back(author: str, day: date, text: str) -> None:
    said = Commentary(author, day, text)
    assert parse_commentary(said.as_file, "company.md") == said


def test_words_on_other_months_decide_nothing() -> None:
    assert is_of_another_month("commentary/2026-09/company.md", OCTOBER)
    assert not is_of_another_month("commentary/2026-10/company.md", OCTOBER)
    assert not is_of_another_month("targets.csv", OCTOBER)


@pytest.mark.parametrize("folder", sorted((ROOT / "policy" / "commentary").iterdir()), ids=str)
def test_the_words_of_the_demo_can_be_read(folder: Path) -> None:
    found = read_commentary(ROOT / "policy", Month.parse(folder.name), set())
    assert found[None].day > date.fromisoformat(f"{folder.name}-28"), "written after the month"
