"""The command line as a person uses it: as a process, or in this process where only the words matter."""

import csv
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from typer.testing import CliRunner

from app.cli import app as cli
from connectors.storage.catalogue import FILE as CATALOGUE
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_versions import VERSION_TABLE
from connectors.storage.extracts import ExtractStore
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials
from orchestration import settings
from tests.end_to_end.command import run
from tests.end_to_end.small_firm import SELLERS, policy_of_the_small_firm, small_firm

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-planted-here"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "Usage"),
        (["--help"], 0, "Exit codes: 0 done"),
        (["report"], 2, "Missing argument"),
        (["report", "2026-13"], 2, "is not a month"),
        (["nonsense"], 2, "No such command"),
        (["export", "2026-01", "--format", "doc"], 2, "Invalid value"),
        (["org", "serve", "--data", "nowhere"], 1, "has no Opportunity.csv"),
        (["export", "2026-01"], 1, "run `onpace report 2026-01` first"),
        (["report", "2999-01"], 1, "is not closed; the latest closed month is"),
        (["backfill", "2026"], 2, "names no months"),
        (["plan", "FY2099", "--number", "10500000,00", "--to", "x"], 2, "is no amount"),
    ],
)
def test_wrong_words_end_with_the_right_code(
    tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    done = run(tmp_path / "home", *words)
    shown = " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert done.returncode == code, shown
    assert says in shown
    assert "Traceback" not in shown


def test_a_home_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "home", "report", "2026-01", ONPACE_HOME=str(tmp_path / "file" / "home"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "check ONPACE_HOME" in done.stderr


# --- the words of bad input, against an org over HTTP


@pytest.fixture(scope="module")
def org() -> Org:
    return small_firm()


@pytest.fixture
def address(org: Org) -> Iterator[str]:
    with serving(OrgServer(org, Credentials("me", SECRET))) as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    policy = policy_of_the_small_firm(tmp_path / "policy")
    values = {
        "ONPACE_HOME": tmp_path / "home",
        "ONPACE_POLICY": policy,
        "SALESFORCE_LOCAL_URL": address,
        "SALESFORCE_CLIENT_ID": "me",
        "SALESFORCE_CLIENT_SECRET": SECRET,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / "pyproject.toml").touch()  # as in a checkout
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    return tmp_path / "home"


def onpace(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(words))
    return result.exit_code, " ".join(result.output.split())


def stored(home: Path) -> dict[str, str]:
    """Return what is stored of numbers, by file and row: everything but Dagster's own records and who was at work."""
    files = [
        path
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] not in {"dagster", "logs", CATALOGUE}
    ]
    rows: dict[str, str] = {}
    if (home / CATALOGUE).exists():
        with closing(sqlite3.connect(home / CATALOGUE)) as database:
            known = database.execute("select name from sqlite_master where type = 'table'")
            for (name,) in [each for each in known if each[0] not in {"leases", VERSION_TABLE}]:
                found = database.execute(f"select * from {name}").fetchall()  # our own names
                rows |= {f"{name} {row}": "" for row in found}
    return rows | {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def spoil(policy: Path, name: str, text: str) -> None:
    (policy / name).write_text(text)


def test_a_month_a_backfill_and_what_is_left_of_it(home: Path) -> None:
    code, said = onpace("backfill", "2023-02..2023-03")
    assert code == 0, said
    assert len(ExtractStore(Catalogue(home)).all()) == 1  # one pull for all months
    assert sorted(path.name for path in (home / "packs").iterdir()) == ["2023-02", "2023-03"]
    assert not (home / "outbox").exists()  # a backfill never delivers
    assert onpace("export", "2023-03", "--to", str(home / "out"))[0] == 0
    with (home / "out" / "pipeline_movement.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["from_month"] for row in rows} == {"2023-02"}
    before = stored(home)
    assert onpace("report", "2023-03")[0] == 0
    assert {path: digest for path, digest in stored(home).items() if path.endswith(".pdf")} == {
        p: d for p, d in before.items() if p.endswith(".pdf")
    }
    # Bad input leaves everything as it was.
    policy = home.parent / "policy"
    spoil(policy, "fy2026.toml", "[phasing]\nmethd = 'even'\n")
    code, said = onpace("report", "2023-03")
    assert (code, "did you mean 'method'?" in said) == (1, True)
    assert SECRET not in "".join(
        path.read_text(errors="ignore") for path in home.rglob("*") if path.is_file()
    )


def target_lines(home: Path) -> tuple[Path, list[str], int]:
    """Return the target book, its lines, and which one is the year 2023 of the firm's person."""
    book = home.parent / "policy" / "targets.csv"
    lines = book.read_text(encoding="utf-8").splitlines()
    return (
        book,
        lines,
        next(
            n
            for n, line in enumerate(lines)
            if line.startswith("2023,") and line.split(",")[1] in SELLERS.values()
        ),
    )


def documents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


def test_a_restatement_is_shown_first_published_on_a_word_and_explained_on_the_pages(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book of targets is corrected after the month was published: someone's year is 90,000 dearer."""
    monkeypatch.setenv("COLUMNS", "220")
    packs, month = home / "packs" / "2023-03", "2023-03"
    assert "was never published" in onpace("restate", month)[1]
    assert onpace("report", month)[0] == 0
    assert "no number differs" in onpace("restate", month)[1]
    before = documents(packs)
    book, lines, n = target_lines(home)
    cells = lines[n].split(",")
    lines[n] = ",".join([*cells[:2], str(Decimal(cells[2]) + 90_000), *cells[3:]])
    book.write_text("\n".join(lines) + "\n", encoding="utf-8")

    code, said = onpace("restate", month)
    assert code == 0, said
    for words in (
        "2023-03: revision 1 of ",
        "Phased target to date",
        "target revision",
        "phased_targets",
        "Nothing was replaced",
    ):
        assert words in said, words
    assert documents(packs) == before
    assert len([line for line in onpace("revisions", month)[1].split("extract ") if line]) == 2

    code, said = onpace("restate", month, "--yes")
    assert (code, "2023-03 is published as revision 2" in said) == (0, True), said
    text = " ".join(
        " ".join(
            page.extract_text() for page in pypdf.PdfReader(packs / "company.pdf").pages
        ).split()
    )
    assert "What changed since this month was published" in text
    assert "target revision" in text
    kept = home / "revisions" / month / "1"
    assert documents(kept) == before
    assert onpace("verify", str(kept / "company.pdf"))[1].endswith("; a later revision replaced it")
    assert ", revision 2: " in onpace("verify", str(packs / "company.pdf"))[1]
    sums = []
    for words in (("--revision", "1"), ()):
        assert onpace("export", month, "--to", str(home / "out"), *words)[0] == 0
        with (home / "out" / "phased_targets.csv").open(encoding="utf-8", newline="") as rows:
            sums.append(
                sum(
                    Decimal(row["baseline_target"])
                    for row in csv.DictReader(rows)
                    if row["fiscal_year"] == "2023"
                )
            )
    assert sums[1] - sums[0] == 90_000
    code, said = onpace("export", month, "--revision", "3")
    assert (code, "2023-03 has no revision 3; it has 1, 2" in said) == (1, True)
    assert not (home / "outbox").exists()


BAD = {
    "an unknown owner": (
        "targets.csv",
        "fiscal_year,owner,annual_target\n2026,nobody,1\n",
        "2026-02",
        "targets.csv line 2: owner 'nobody' is not a user",
    ),
    "a target below zero": (
        "targets.csv",
        "fiscal_year,owner,annual_target\n2026,seller01@tidewater.example,-1\n",
        "2026-02",
        "below zero",
    ),
    "eleven weights": (
        "fy2026.toml",
        '[phasing]\nmethod = "custom"\nweights = [1,1,1,1,1,1,1,1,1,1,1]\n',
        "2026-02",
        "weights has 11 numbers",
    ),
    "a year without targets": (
        "targets.csv",
        "fiscal_year,owner,annual_target\n2031,seller01@tidewater.example,1\n",
        "2026-02",
        "nobody has a target in force for FY2026",
    ),
    "an unknown key": (
        "fy2026.toml",
        "[fiscl]\n",
        "2026-02",
        "unknown key 'fiscl' in the file; did you mean 'fiscal'?",
    ),
    "before the first record": (
        "fy2026.toml",
        "",
        "2020-01",
        "2020-01 is before the first opportunity",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_stores_nothing(home: Path, case: str) -> None:
    name, text, month, says = BAD[case]
    spoil(home.parent / "policy", name, text)
    code, said = onpace("report", month)
    assert code == 1, said
    assert says in said
    assert said.count("onpace:") == 1
    assert stored(home) == {}


def test_a_wrong_secret_an_org_that_is_down_and_a_hidden_field(
    home: Path, monkeypatch: pytest.MonkeyPatch, org: Org
) -> None:
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "wrong-one")
    code, said = onpace("report", "2026-02")
    assert (code, "refused the login" in said, "wrong-one" in said) == (1, True, False)
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", SECRET)
    org.hide("OpportunityHistory", "Amount")
    code, said = onpace("report", "2026-02")
    org.objects["OpportunityHistory"].hidden.clear()
    assert (code, "field OpportunityHistory.Amount is not visible" in said) == (1, True)
    monkeypatch.setenv("SALESFORCE_LOCAL_URL", "http://127.0.0.1:9")
    code, said = onpace("report", "2026-02")
    assert (code, "did not answer when asked to log in" in said) == (1, True)
    monkeypatch.setenv("SALESFORCE_LOCAL_URL", "http://192.0.2.1:80")
    code, said = onpace("report", "2026-02")
    assert (code, "must be an address on this machine" in said) == (1, True)
    assert stored(home) == {}


def test_a_backfill_names_the_months_that_failed_and_keeps_the_others(home: Path) -> None:
    """The firm begins in November 2022."""
    code, said = onpace("backfill", "2022-10..2022-12")
    assert code == 1
    assert "2022-10 is before the first opportunity" in said
    assert [path.name for path in sorted((home / "packs").iterdir())] == ["2022-11", "2022-12"]


def test_an_org_that_misbehaves_on_order_is_overcome(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        sys.executable,
        "-m",
        "app.cli.app",
        "org",
        "serve",
        "--fault",
        "busy=1",
        "--fault",
        "expired-session=1",
        "--fault",
        "clock-skew=30",
    ]
    environment = os.environ | {
        "SALESFORCE_CLIENT_ID": "me",
        "SALESFORCE_CLIENT_SECRET": SECRET,
        "PYTHONPATH": str(ROOT),
    }
    serving_org = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    try:
        assert serving_org.stdout is not None
        monkeypatch.setenv("SALESFORCE_LOCAL_URL", serving_org.stdout.readline().split()[-1])
        code, said = onpace("doctor")
        assert (code, "Everything a report needs is there." in said) == (0, True), said
        assert SECRET not in said
        for finding in (
            "by client credentials",
            "requests left today: 149",
            "owner changes are tracked",
            "no opportunity splits",
            "nothing was read yet",
        ):
            assert finding in said
    finally:
        serving_org.terminate()
        serving_org.wait()
    assert stored(home) == {}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nonsense=1", "there is no fault 'nonsense'; known are aborted-job"),
        ("busy=often", "is not NAME=N; write it as busy=3"),
    ],
)
def test_a_fault_that_is_none_is_said(fault: str, says: str) -> None:
    code, said = onpace("org", "serve", "--fault", fault)
    assert (code, says in said) == (1, True), said


def test_doctor_names_what_is_in_use_and_what_it_means(home: Path, org: Org) -> None:
    org.add(
        "OpportunitySplitType",
        ["Id", "DeveloperName", "SplitField", "IsActive", "IsTotalValidated"],
        [
            {
                "Id": "149000000000001AAA",
                "DeveloperName": "Revenue",
                "SplitField": "Amount",
                "IsActive": True,
                "IsTotalValidated": True,
            }
        ],
    )
    org.add(
        "OpportunitySplit",
        [
            "Id",
            "OpportunityId",
            "SplitOwnerId",
            "SplitTypeId",
            "SplitPercentage",
            "CreatedDate",
            "IsDeleted",
            "SystemModstamp",
        ],
        [
            {
                "Id": "1JX000000000001AAA",
                "OpportunityId": "006",
                "SplitOwnerId": "005",
                "SplitTypeId": "149000000000001AAA",
                "SplitPercentage": 100,
                "CreatedDate": "2026-01-01T00:00:00Z",
                "SystemModstamp": "2026-01-01T00:00:00Z",
                "IsDeleted": False,
            }
        ],
    )
    org.add(
        "FiscalYearSettings",
        ["Id", "IsStandardYear"],
        [{"Id": "022000000000001AAA", "IsStandardYear": False}],
    )
    org.add(
        "CurrencyType",
        ["Id", "IsoCode", "ConversionRate", "IsCorporate"],
        [
            {"Id": "01L1", "IsoCode": "GBP", "ConversionRate": 1, "IsCorporate": True},
            {"Id": "01L2", "IsoCode": "EUR", "ConversionRate": 1.2, "IsCorporate": False},
        ],
    )
    org.run(
        """UPDATE "Opportunity" SET "StageName" = 'Parked' WHERE "Id" = (SELECT MIN("Id") FROM "Opportunity")"""
    )
    org.run('DELETE FROM "OpportunityFieldHistory"')
    code, said = onpace("doctor")
    assert code == 0, said
    for finding in (
        "opportunity splits are in use (Revenue)",
        "custom fiscal year",
        "currencies: EUR, GBP; no dated rates",
        "owner changes are not tracked",
        "stage 'Parked' is in use and not listed: say what it means in the policy file",
        "no private opportunity is visible",
    ):
        assert finding in said, finding
    org.hide("Opportunity", "Amount")
    code, said = onpace("doctor")
    assert (code, "field Opportunity.Amount is not visible to this user" in said) == (1, True)
    assert stored(home) == {}
