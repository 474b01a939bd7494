"""`onpace explain` on a published month of a small firm with hostile names."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from app.cli import app as cli
from app.cli.explain import NoSuchRow, Question, answer
from app.cli.explanation_tables import as_csv, tables, title
from app.console import show
from connectors.storage.monthly_tables import NotComputed
from orchestration import resources
from publication.extract_selection import resolve_extract
from publication.workspace import Workspace
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.published import MONTHLY
from sales.explain.evidence import DoesNotAddUp
from sales.explain.explanation import COVERAGE, RULES
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.reports.months import MONTH, tables_of

NOW = datetime(2026, 5, 5, 9, tzinfo=UTC)
COUNTS = {"open_count", "without_amount_count"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which April is published."""
    folder = tmp_path_factory.mktemp("explained")
    (folder / "policy").mkdir()
    workspace = workspace_of(folder)
    record = resolve_extract(workspace, MONTH, lambda _: None)
    made, _ = tables_of(17)
    for name in MONTHLY:
        workspace.tables.write(name, MONTH, getattr(made, name, empty(MONTHLY[name])), {})
    workspace.published.publish(MONTH, record.extract_id, NOW)
    return folder


def workspace_of(folder: Path, policy: str = "policy") -> Workspace:
    reader = FakeReader(
        raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])),
        lambda: datetime(2026, 5, 2, tzinfo=UTC),
    )
    targets = folder / policy / "targets.csv"
    targets.write_text("fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n")
    return Workspace(
        folder / "home", folder / policy, lambda: reader, "https://acme.example", lambda: NOW
    )


def printed(home: Path, question: Question, *, width: int = 80, is_terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=is_terminal,
        color_system=None,
        soft_wrap=True,
        highlight=False,
    )
    found = answer(workspace_of(home), question)
    console.print(title(found), markup=False)
    for table in tables(found):
        show(table, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def coverage(**more: object) -> Question:
    return Question("coverage", period="FY2026-Q2", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("person", ["Ann", "ann", "ann@acme.example", "ANN@acme.example", "005A"])
def test_a_person_goes_by_name_user_name_or_id(home: Path, person: str) -> None:
    found = answer(workspace_of(home), coverage(person=person))
    assert (found.explanation.grain, found.explanation.grain_id, found.whom) == (
        "person",
        "005A",
        "Ann",
    )


def test_a_team_goes_by_name_and_nothing_means_the_company_and_the_newest_month(home: Path) -> None:
    assert answer(workspace_of(home), coverage(team="north")).explanation.grain_id == "North"
    company = answer(workspace_of(home), coverage()).explanation
    assert (company.grain, company.grain_id, company.month) == ("company", "Acme", MONTH)
    assert (
        answer(workspace_of(home), Question("attainment", period="fy2026")).explanation.period.name
        == "FY2026"
    )


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (
            coverage(team="Nort"),
            r"no team .* at the end of 2026-04 is called 'Nort'; did you mean 'North'\?",
        ),
        (coverage(team=""), r"is called ''; there are North, South"),
        (
            coverage(person="Zed\x1b[31m"),
            r"no person .* is called 'Zed\[31m'; there are Ann, Bob, ann@acme.example, bob@acme.example",
        ),
        (coverage(person="Anne"), r"did you mean 'Ann'\?"),
        (
            Question("coverage", period="2026-04"),
            r"coverage of Acme at the end of 2026-04 has no period '2026-04'; there are FY2026, FY2026-Q2, ",
        ),
        (
            Question("attainment"),
            r"needs a period: name it with --period; there are 2026-04, FY2026, FY2026-Q2$",
        ),
        (
            coverage(column="open_pipelin"),
            r"pipeline_coverage has no figure called 'open_pipelin'; did you mean 'open_pipeline'",
        ),
    ],
)
def test_what_is_not_there_is_one_sentence_that_says_what_is(
    home: Path, question: Question, sentence: str
) -> None:
    with pytest.raises(NoSuchRow, match=sentence) as told:
        answer(workspace_of(home), question)
    assert "\x1b" not in str(told.value)


def test_a_month_that_was_not_computed_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(NotComputed, match="2026-01 is not published yet"):
        answer(workspace_of(home), coverage(month=Month(2026, 1)))
    (tmp_path / "policy").mkdir()
    with pytest.raises(NotComputed, match="no month is there yet"):
        answer(workspace_of(tmp_path), coverage())


def test_every_line_is_printed_whole_and_below_it_a_total_that_is_the_figure(home: Path) -> None:
    text = printed(home, coverage())
    assert text.startswith(
        "Coverage of Acme, FY2026-Q2 (2026-04-01 to 2026-06-30), as known at the end of 2026-04 (before 2026-05-01 00:00 UTC)"
    )
    for number in range(1, 18):
        assert str(deal(number)["opportunity_id"]) in text
    # 1,000 + 2,000 + ... + 17,000, and a deal without an amount; 7,000 is overdue.
    assert re.search(r"^Total of 18, 1 without amount +153,000\.00 ", text, re.MULTILINE)
    assert re.search(r"^Total of 1 +7,000\.00 *$", text, re.MULTILINE)
    assert re.search(r"^open_pipeline +153,000\.00 ", text, re.MULTILINE)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert "x" * 40 in text


def test_a_narrow_terminal_breaks_names_but_no_number(home: Path) -> None:
    text = printed(home, coverage(team="North"), is_terminal=True)
    assert str(deal(1)["opportunity_id"]) in text
    assert "9,000.00" in text
    assert max(len(line) for line in text.splitlines()[1:]) < 250


def test_one_column_comes_with_what_it_is_computed_from_and_no_other(home: Path) -> None:
    text = printed(home, coverage(column="coverage_ratio"))
    assert re.findall(r"^([a-z_]+) ", text, re.MULTILINE) == [
        "target",
        "bookings",
        "remaining_target",
        "open_pipeline",
        "coverage_ratio",
    ]
    assert "Overdue" not in text
    assert "stage_weighted" not in text


def rows_of(content: bytes) -> Sequence[dict[str, str]]:
    csv.field_size_limit(10**6)
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_the_parts_of_the_csv_add_up_and_no_text_is_a_formula(home: Path) -> None:
    rows = rows_of(as_csv(answer(workspace_of(home), Question("coverage", period="FY2026"))))
    figures = {row["figure"]: row for row in rows if row["line"] == "figure"}
    assert list(figures) == list(RULES[COVERAGE])
    for name in (
        "target",
        "bookings",
        "open_pipeline",
        "open_count",
        "without_amount_count",
        "stage_weighted_pipeline",
        "overdue_pipeline",
    ):
        cell = "number" if name in COUNTS else "amount"
        parts = [
            Decimal(row[cell]) for row in rows if (row["figure"], row["line"]) == (name, "part")
        ]
        assert parts
        assert sum(parts) == Decimal(figures[name][cell]), name
    assert not [value for row in rows for value in row.values() if re.match(r"[=+@\t\r]", value)]
    assert any(row["name"] == '\'=HYPERLINK("http://example.invalid")' for row in rows)


def test_a_policy_that_was_edited_since_is_a_fault_and_nothing_is_printed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Policy now counts the overdue 7,000 in the quarter; the published month did not."""
    (home / "edited").mkdir()
    (home / "edited" / "fy2026.toml").write_text('[pipeline]\noverdue = "current_period"\n')
    workspace = workspace_of(home, "edited")
    with pytest.raises(
        DoesNotAddUp,
        match=r"open_pipeline of company 'Acme', FY2026-Q2 at the end of 2026-04, is 153,000\.00 .* comes to 160,000\.00",
    ):
        answer(workspace, coverage(column="open_pipeline"))
    monkeypatch.setattr(resources, "make_workspace", lambda: workspace)
    done = CliRunner().invoke(cli.app, ["explain", "coverage", "--period", "FY2026-Q2"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "do not use the figure" in done.stderr


def test_the_command_prints_tables_or_csv(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "make_workspace", lambda: workspace_of(home))
    words = ["explain", "attainment", "--team", "North", "--period", "FY2026", "--as-of", "2026-04"]
    done = CliRunner().invoke(cli.app, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.rstrip().endswith(
        "Each figure was made again from the lines above and is what target_attainment says."
    )
    assert (
        rows_of(CliRunner().invoke(cli.app, [*words, "--format", "csv"]).stdout_bytes)[0][
            "grain_id"
        ]
        == "North"
    )
    both = CliRunner().invoke(
        cli.app, ["explain", "coverage", "--team", "North", "--person", "Ann"]
    )
    assert (both.exit_code, "not both" in both.stderr) == (2, True)
