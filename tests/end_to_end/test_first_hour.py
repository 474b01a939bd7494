"""The first hour with an organisation of one's own: the README's commands, as they stand there."""

import csv
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app as cli
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials
from orchestration import variables
from tests.end_to_end.small_firm import SELLERS, small_firm

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECRET = "s3cret'planted\\here"
# Of the firm's first year, so that little was before it.
MONTH, YEAR = "2023-02", 2023


@pytest.fixture(scope="module")
def org() -> Org:
    """A firm that is not the demo company."""
    firm = small_firm()
    firm.run("UPDATE Organization SET Name = 'Harbour Advisory'")
    return firm


@pytest.fixture
def place(tmp_path: Path, org: Org, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for variable in variables.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.chdir(tmp_path)
    with serving(OrgServer(org, Credentials("me", SECRET))) as address:
        monkeypatch.setenv("SALESFORCE_LOCAL_URL", address)
        monkeypatch.setenv("SALESFORCE_CLIENT_ID", "me")
        monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", SECRET)
        yield tmp_path


def forget_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SALESFORCE_LOCAL_URL", "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET"):
        monkeypatch.delenv(name)


def onpace(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(words))
    return result.exit_code, result.output


def fill_in(book: Path) -> None:
    """Give the owner a target, for the year of the data too."""
    with book.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [each | {"annual_target": "480000"} for each in rows]
    rows.append(rows[0] | {"fiscal_year": str(YEAR)})
    with book.open("w", newline="") as file:
        lines = csv.DictWriter(file, rows[0])
        lines.writeheader()
        lines.writerows(rows)


@pytest.mark.slow
@pytest.mark.usefixtures("place")
def test_the_commands_of_the_readme_lead_to_a_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    block = README.split("## Your own Salesforce")[1].split("## Your rules")[0]
    commands = re.findall(r"^((?:onpace|cd) .*?)(?:\s+#.*)?$", block, re.MULTILINE)
    assert [each.split()[:2] for each in commands[:3]] == [
        ["onpace", "init"],
        ["cd", "acme"],
        ["onpace", "check"],
    ]
    said = list[str]()
    for command in commands:
        words = re.sub(r"\d{4}-\d{2}", MONTH, command).split()
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
            forget_the_environment(monkeypatch)
            fill_in(Path("policy/targets.csv"))
            continue
        if words[1] == "schedule":  # tried in the tests of the schedule
            continue
        words += [MONTH] if words[1:] == ["preview"] else []
        code, output = onpace(*words[1:])
        assert code == 0, output
        said.append(output)
    assert (Path("data/packs") / MONTH / "company.pdf").read_bytes().startswith(b"%PDF")
    assert (Path("data/preview") / f"{MONTH}-company.pdf").is_file()
    everything = "\n".join(said)
    assert "Harbour Advisory" in everything
    assert not re.search("tidewater.example/|Tidewater", everything), "nothing of the demo's"
    assert "0 errors" in everything
    assert SECRET not in everything
    assert f"0 mails of {MONTH} would be sent" in everything


def test_a_folder_is_written_once_and_its_key_is_for_its_owner(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = onpace("init", "mine", "--yes")
    assert code == 0, said
    assert stat.S_IMODE((place / "mine" / ".env").stat().st_mode) == 0o600
    with (place / "mine" / "policy" / "targets.csv").open(newline="") as file:
        owners = list(csv.DictReader(file))
    assert {each["owner"] for each in owners} <= set(SELLERS.values())
    assert {each["annual_target"] for each in owners} == {""}
    before = {path: path.read_bytes() for path in (place / "mine").rglob("*") if path.is_file()}
    code, said = onpace("init", "mine", "--yes")
    assert (code, said.count("is there already and stays as it is")) == (0, len(before))
    assert {path: path.read_bytes() for path in before} == before
    monkeypatch.chdir(place / "mine")
    forget_the_environment(monkeypatch)
    code, said = onpace("check")
    assert code == 1, "no target is filled in"
    assert "nobody has a target for FY" in said
    assert "Harbour Advisory" in said, "the key that was written opens the door"


def test_everything_that_is_wrong_is_said_at_once_and_worst_first(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onpace("init", "mine", "--yes")[0] == 0
    monkeypatch.chdir(place / "mine")
    policy = Path("policy")
    name = next(policy.glob("fy*.toml"))
    name.write_text('[phasing]\nmethod = "sometimes"\ncap = 0.5\n[brand]\ncolor = "#fff"\n')
    (policy / "recipients.toml").write_text(
        'allowed_domains = ["tidewater.example"]\n'
        '[[recipients]]\naddress = "board@tidewater.example"\npacks = ["company"]\n'
    )
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "another")
    monkeypatch.setenv("ONPACE_NOTICES", "nosuch://planted-key")
    code, said = onpace("check")
    assert "planted-key" not in said
    weights = [line.partition(":")[0] for line in said.splitlines()[:-1]]
    assert code == 1
    assert weights == sorted(weights, key=("error", "warning", "note").index)
    for wrong in (
        "method",
        "cap",
        "unknown key 'color'",
        "exists nowhere",
        "SALESFORCE_CLIENT_SECRET",
        "address 1 of ONPACE_NOTICES is none",
    ):
        assert wrong in said, wrong
    code, offline = onpace("check", "--offline")
    assert (code, "SALESFORCE_CLIENT_SECRET" in offline) == (1, False)
    assert "were not asked" in offline


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("leave.csv", "owner,start_date,end_date\nnobody,2026-01-01,2026-01-02\n", "not a user"),
        ("commentary/2026-01/team-none.md", "Author: A\nDate: 2026-01-01\n\nx\n", "no team's"),
        ("onpace.toml", '[smtp]\nhosst = "x"\n', "did you mean [smtp] host"),
    ],
)
def test_what_would_stop_a_report_is_found(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str
) -> None:
    assert onpace("init", "mine", "--yes")[0] == 0
    fill_in(place / "mine" / "policy" / "targets.csv")
    folder = place / "mine" / ("" if name == "onpace.toml" else "policy")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    monkeypatch.chdir(place / "mine" / "policy")
    code, said = onpace("check")
    assert (code, says in said, "Traceback" in said) == (1, True, False), said


def test_the_demos_rules_are_for_the_demo_company(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Path(__file__).parents[2] / "policy"
    monkeypatch.setenv("ONPACE_HOME", str(place / "home"))
    monkeypatch.setenv("ONPACE_POLICY", str(demo))
    code, said = onpace("report", MONTH)
    assert (code, "holds the rules of the demo company" in said) == (1, True), said
    monkeypatch.delenv("ONPACE_POLICY")
    code, said = onpace("report", MONTH)
    assert code == 1
    assert "onpace init" in said
    assert not (place / "home" / "packs").exists()


@pytest.mark.usefixtures("place")
def test_a_file_in_the_place_of_a_folder_stops_before_anything_is_written() -> None:
    Path("mine").mkdir()
    Path("mine/policy").touch()
    code, said = onpace("init", "mine", "--yes")
    assert (code, "is no folder" in said) == (1, True), said
    assert [path.name for path in Path("mine").iterdir()] == ["policy"]


def test_where_nothing_says_which_salesforce_init_asks_for_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_the_environment(monkeypatch)
    code, said = onpace("init", "mine", "--yes")
    assert (code, (place / "mine").exists()) == (1, False)
    assert "SALESFORCE_DOMAIN" in said
