"""Whoever opens the UI reads no person's money and no deal's: markers are planted, and all that Dagster keeps is searched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration import local_runs as runs
from publication.pull_options import PullOptions
from publication.workspace import Workspace
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.temporary_instance import temporary_instance

pytestmark = pytest.mark.slow

MONTH = Month(2026, 4)
# One sells alone in South: what is said of all teams but that one would say what is hers.
TARGETS = {"ann@acme.example": 7_416_283, "bob@acme.example": 5_293_617}
DEALS = {
    1: ("005A", 1_928_374),
    2: ("005A", 2_736_451),
    3: ("005B", 3_645_519),
    4: ("005B", 4_519_283),
}
NAMES = ("Planted Deal", "Planted Client")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Workspace]]:
    """The folder of Dagster after a month was computed and printed."""
    folder = tmp_path_factory.mktemp("privacy")
    (folder / "policy").mkdir()
    (folder / "dagster").mkdir()
    lines = [f"2026,{owner},{amount}" for owner, amount in TARGETS.items()]
    (folder / "policy" / "targets.csv").write_text(
        "\n".join(["fiscal_year,owner,annual_target", *lines, ""])
    )
    deals = [
        deal(n, owner_id=owner, name=f"{NAMES[0]} {n}", account_id="001000000000077AAA")
        for n, (owner, _) in DEALS.items()
    ]
    history = [
        saved(
            n,
            "2026-03-02 10:00",
            amount=amount,
            stage_name="Won" if n % 2 else "Open",
            close_date=date(2026, 4, 9) if n % 2 else date(2026, 6, 9),
        )
        for n, (_, amount) in DEALS.items()
    ]
    reader = FakeReader(
        raw_tables(extract(deals, history)), lambda: datetime(2026, 5, 4, tzinfo=UTC)
    )
    workspace = Workspace(
        folder / "home",
        folder / "policy",
        lambda: reader,
        "https://acme.example",
        lambda: datetime(2026, 5, 4, 9, tzinfo=UTC),
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        temporary_instance(folder / "dagster") as instance,
    ):
        patch.setenv("ONPACE_HOME", str(folder / "home"))
        patch.setenv("ONPACE_POLICY", str(folder / "policy"))
        runs.run_month(
            "restatement", MONTH, workspace, instance, PullOptions(shared_pull_hours=0.0)
        )
        yield folder / "dagster", workspace


def kept(folder: Path) -> str:
    """Return all that Dagster keeps."""
    return "".join(
        path.read_bytes().decode("utf-8", errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def amounts_of(text: str) -> str:
    """Return a text with digits of one number together, and without instants and ids, whose digits may be anything."""
    shown = re.sub(r"\\+u([0-9a-f]{4})", lambda escaped: chr(int(escaped[1], 16)), text)
    ids = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}"
    plain = re.sub(rf"\d\d:\d\d:\d\d\.\d+|\d{{10}}\.\d+|{ids}", " ", shown)
    return re.sub(r"(?<=\d)[,. _'\u00a0\u202f](?=\d{3}(?!\d))", "", plain)


@pytest.mark.parametrize(
    "text", ["£543,720", '"US$543720.00"', r"\u00a3543\u202f720", "-543720", "543.720 €"]
)
def test_an_amount_is_found_however_it_is_written(text: str) -> None:
    assert "543720" in amounts_of(f"beside{text}beside")


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01 00:02:11.543720",
        "1764547331.543720",
        "5437201c-0d1e-4a2b-8c3d-0a543720ab9f",
        "9f" * 13 + "543720",
    ],
)
def test_digits_of_instants_and_ids_are_no_amounts(text: str) -> None:
    assert "543720" not in amounts_of(text)


def secrets(workspace: Workspace) -> dict[str, set[str]]:
    """Return every amount of the published month that is a person's, a team's or a deal's, and not the company's too."""
    private: set[Decimal] = {Decimal(each) for _, each in DEALS.values()}
    private |= {Decimal(each) for each in TARGETS.values()}
    public: set[Decimal] = set()
    for name in MONTHLY:
        table = workspace.published.read(name, MONTH)
        for column in table.columns:
            values = table[column].dropna()
            if values.empty or not isinstance(values.iloc[0], Decimal):
                continue
            is_company = table.get("grain", table.index.map(lambda _: "deal")) == "company"
            public |= set(table.loc[is_company, column].dropna())
            private |= set(table.loc[~is_company, column].dropna())
    found = {each for each in private - public if abs(each) >= 100_000}
    return {"amounts": {str(abs(int(each))) for each in found}}


def test_no_money_of_a_person_a_team_or_a_deal_is_kept(storage: tuple[Path, Workspace]) -> None:
    folder, workspace = storage
    told = amounts_of(kept(folder))
    assert "month_end_packs" in told
    planted = secrets(workspace)["amounts"]
    assert len(planted) > 20
    assert {str(each) for each in TARGETS.values()} <= planted
    assert sorted(each for each in planted if each in told) == []


def test_no_deal_and_no_client_is_named(storage: tuple[Path, Workspace]) -> None:
    told = kept(storage[0])
    assert [each for each in (*NAMES, "001000000000077AAA") if each in told] == []
