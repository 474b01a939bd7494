"""A year's plan from a home and a policy folder: who is in it, what is written, and how targets come into force."""

import csv
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.policy.owners import Owners
from publication.extract_selection import resolve_extract
from publication.finding import Known, Weight
from publication.fingerprints import of_month
from publication.month_inputs import MonthInputs, resolve
from publication.policy_check import examine_policy
from publication.target_adoption import UnadoptableTargets, adopt_targets
from publication.workspace import PageRules, Workspace
from publication.year_plan import UnplannableYear, fiscal_year_named, plan_year
from publication.year_plan_files import write_plans
from reports.document.theme import themes_of
from reports.publisher import Publisher
from sales.calendar import Month
from sales.planning.scenario_plan import YearPlans
from sales.policy.sections import InvalidPolicy
from tests.fakes import FakeReader, deal, extract, raw_tables, saved

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
APRIL = Month(2026, 4)
TARGETS = """fiscal_year,owner,annual_target,currency_code,start_date,end_date,revision,effective_date,holidays
2026,ann@acme.example,120000,,,,1,,
2026,bob@acme.example,90000,,,,1,,
2027,ann@acme.example,130000,,,,1,,
"""


def firm_of_two() -> dict[str, object]:
    """Fourteen months in which Ann wins two deals a month and Bob one, and each loses one."""
    deals, history = [], []
    for n in range(14 * 5):
        month = Month(2025, 3).plus(n // 5)
        owner, won = ("005A" if n % 5 < 3 else "005B"), n % 5 in {0, 1, 3}
        created = month.plus(-1)
        number, stage = n + 1, "Won" if won else "Lost"
        close = date(month.year, month.number, 10 + n % 5)
        deals.append(
            deal(
                number,
                owner_id=owner,
                stage_name=stage,
                close_date=close,
                lead_source="Web" if n % 2 else "Event",
                created_at=datetime(created.year, created.number, 5, tzinfo=UTC),
            )
        )
        amount = 4000 + 500 * (n % 7)
        opened = {"amount": amount, "close_date": close}
        history.append(saved(number, f"{created}-05 10:00", **opened))
        history.append(saved(number, f"{month}-{10 + n % 5} 10:00", stage_name=stage, **opened))
    return {"deals": deals, "history": history}


@pytest.fixture(scope="module")
def tables() -> dict[str, object]:
    firm = firm_of_two()
    return raw_tables(extract(firm["deals"], firm["history"]))  # type: ignore[arg-type, return-value]


@pytest.fixture
def inputs(tmp_path: Path, tables: Mapping[str, object]) -> MonthInputs:
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "targets.csv").write_text(TARGETS)
    reader = FakeReader(dict(tables), lambda: NOW)  # type: ignore[arg-type]
    workspace = Workspace(
        tmp_path / "home", policy, lambda: reader, "https://acme.example", lambda: NOW
    )
    return resolve(workspace, APRIL, resolve_extract(workspace, APRIL, lambda _: None))


def scenario(inputs: MonthInputs, name: str, text: str) -> None:
    folder = inputs.workspace.policy_folder / "plan"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)


def names(plans: YearPlans) -> list[list[str]]:
    return [[row.member.name for row in each.plan.members] for each in plans.scenarios]


def test_without_a_file_there_is_what_people_can_sell_and_the_number(inputs: MonthInputs) -> None:
    plans = plan_year(inputs, 2027, Decimal(400_000))
    assert [each.name for each in plans.scenarios] == ["capacity", "number"]
    assert names(plans) == [["Ann", "Bob"]] * 2
    expected, wanted = (each.plan.company for each in plans.scenarios)
    assert wanted.target == 400_000_00
    # Three deals of 5,500 on average a month, and no season.
    assert expected.expected == pytest.approx(3 * 5_500_00 * 12, rel=0.06)
    ann, bob = plans.scenarios[0].plan.members
    assert 1.2 < ann.expected / bob.expected < 2, (
        "pulled towards each other by how little they have shown"
    )
    assert plans.lately[ann.member.member_id] > plans.lately[bob.member.member_id]
    assert {each.owner for each in plans.scenarios[0].sources} == {"Web", "Event"}


def test_a_number_is_that_of_scenarios_that_state_none(inputs: MonthInputs) -> None:
    scenario(inputs, "a", "title = 'Given'")
    scenario(inputs, "b", "number = 300000")
    scenario(inputs, "c", "chance = 0.5")
    plans = plan_year(inputs, 2027, Decimal(250_000))
    found = {each.name: each.plan.company.target for each in plans.scenarios}
    assert (found["a"], found["b"]) == (250_000_00, 300_000_00)
    assert found["c"] not in {250_000_00, 300_000_00}
    assert plans.scenarios[0].plan.title == "Given"


def test_who_joins_leaves_and_has_an_agreed_target(inputs: MonthInputs) -> None:
    scenario(
        inputs,
        "growth",
        """
        number = 300000
        [[people]]
        owner = "bob@acme.example"
        end_date = 2026-12-31
        [[people]]
        owner = "ann@acme.example"
        target = 150000
        [[seats]]
        name = "Seller, South"
        team = "South"
        start_date = 2027-03-01
        """,
    )
    (each,) = plan_year(inputs, 2027).scenarios
    rows = {row.member.name: row for row in each.plan.members}
    assert set(rows) == {"Ann", "Seller, South"}, "Bob leaves before the year"
    assert (rows["Ann"].target, rows["Ann"].is_agreed) == (150_000_00, True)
    seat = rows["Seller, South"]
    assert (seat.target, seat.months[:3]) == (150_000_00, [0, 0, 15_000_00])
    assert [team.name for team in each.plan.teams] == ["North", "South"]


def test_who_cannot_log_in_any_more_is_left_out_by_name(
    tmp_path: Path, tables: Mapping[str, object], inputs: MonthInputs
) -> None:
    users = tables["raw_users"].copy()  # type: ignore[attr-defined]
    users["is_active"] = users["user_id"] != "005B"
    reader = FakeReader({**tables, "raw_users": users}, lambda: NOW)  # type: ignore[dict-item]
    workspace = Workspace(
        tmp_path / "other", inputs.workspace.policy_folder, lambda: reader, "x", lambda: NOW
    )
    record = resolve_extract(workspace, APRIL, lambda _: None)
    plans = plan_year(resolve(workspace, APRIL, record), 2027)
    assert (names(plans), plans.left_out) == ([["Ann"]], ["Bob"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[[people]]\nowner = "bop@acme.example"',
            "plan/x.toml: owner 'bop@acme.example' is not a user of Salesforce; did you mean 'bob@acme.example'?",
        ),
        (
            '[[people]]\nowner = "ann@acme.example"\n[[people]]\nowner = "005A"',
            "plan/x.toml: owner '005A' is named twice",
        ),
        ("numbre = 4", "plan/x.toml: unknown key 'numbre'"),
    ],
)
def test_a_scenario_that_cannot_be_used_is_told_by_its_file(
    inputs: MonthInputs, text: str, says: str
) -> None:
    scenario(inputs, "x", text)
    with pytest.raises(InvalidPolicy) as fault:
        plan_year(inputs, 2027)
    assert says in str(fault.value)


def test_a_check_names_a_scenario_that_cannot_be_used_and_stops_no_report(
    inputs: MonthInputs,
) -> None:
    def found(known: Known | None) -> list[tuple[Weight, str]]:
        folder = inputs.workspace.policy_folder
        every = examine_policy(folder, known, APRIL, PageRules(themes_of))
        return [(each.weight, each.sentence) for each in every if "plan/" in each.sentence]

    scenario(inputs, "x", '[[people]]\nowner = "bop@acme.example"')
    scenario(inputs, "y", "numbre = 4")
    wrong = (
        Weight.MISLEADS,
        "plan/y.toml: unknown key 'numbre' in the file; did you mean 'number'?",
    )
    assert found(None) == [wrong]
    one = inputs.extract
    known = Known(
        inputs.organization,
        one.users,
        one.roles,
        one.queues,
        one.quotas,
        one.submitted_forecasts,
        one.accounts,
        frozenset(),
    )
    assert [weight for weight, _ in found(known)] == [Weight.MISLEADS] * 2
    assert "bop@acme.example" in found(known)[0][1]


def test_years_that_cannot_be_planned(inputs: MonthInputs) -> None:
    assert (fiscal_year_named("fy2028"), fiscal_year_named(" 2028 ")) == (2028, 2028)
    with pytest.raises(UnplannableYear, match="write it as FY2028"):
        fiscal_year_named("next")
    with pytest.raises(UnplannableYear, match="FY2026 began in 2026-01"):
        plan_year(inputs, 2026)
    with pytest.raises(UnplannableYear, match="plan FY2029 at most"):
        plan_year(inputs, 2030)


def test_a_firm_without_a_past_is_told_so(tmp_path: Path, inputs: MonthInputs) -> None:
    young = raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")]))
    reader = FakeReader(young, lambda: NOW)
    workspace = Workspace(
        tmp_path / "young", inputs.workspace.policy_folder, lambda: reader, "x", lambda: NOW
    )
    record = resolve_extract(workspace, APRIL, lambda _: None)
    with pytest.raises(UnplannableYear, match="too few decided deals"):
        plan_year(resolve(workspace, APRIL, record), 2027)


def test_no_report_depends_on_a_scenario(inputs: MonthInputs) -> None:
    def digest() -> str:
        one = inputs.workspace
        fresh = Workspace(one.home, one.policy_folder, one.connect, one.source, one.now)
        return of_month(fresh, APRIL, inputs.record)

    before = digest()
    scenario(inputs, "x", "number = 1")
    assert digest() == before
    (inputs.workspace.policy_folder / "plan" / "book.csv").write_text(TARGETS)
    assert digest() != before, "a book may lie anywhere in the folder"
    before = digest()
    (inputs.workspace.policy_folder / "targets.csv").write_text(TARGETS + "\n")
    assert digest() != before


def written(inputs: MonthInputs, folder: Path) -> dict[str, list[dict[str, str]]]:
    publisher = Publisher(inputs.workspace.home / "packs", inputs.workspace.policy_folder)
    paths = list(write_plans(plan_year(inputs, 2027), inputs, publisher, folder))
    assert all(path.is_file() for path in paths)
    return {
        path.relative_to(folder).as_posix(): list(csv.DictReader(path.read_text().splitlines()))
        for path in paths
        if path.suffix == ".csv"
    }


def test_what_is_written_adds_up_and_can_be_adopted(inputs: MonthInputs, tmp_path: Path) -> None:
    scenario(inputs, "growth", "number = 300000.50\n[[seats]]\nname = '=Seat'")
    files = written(inputs, tmp_path / "out")
    people = files["plan_people.csv"]
    assert {row["name"] for row in people} == {"Ann", "Bob", "'=Seat"}, "no text is a formula"
    assert sum(Decimal(row["target"]) for row in people) == Decimal("300000.50")
    months = [row for row in files["plan_months.csv"] if row["target"]]
    assert [row["month"] for row in months] == [f"2027-{n:02}" for n in range(1, 13)]
    assert sum(Decimal(row["target"]) for row in months) == Decimal("300000.50")
    lines = files["growth/targets.csv"]
    assert [(row["owner"], row["revision"]) for row in lines] == [
        ("ann@acme.example", "2"),
        ("bob@acme.example", "1"),
    ]
    done = adopt_targets(tmp_path / "out" / "growth" / "targets.csv", inputs, 2027)
    assert (done.added, done.left) == (2, 0)
    text = done.book.read_text()
    assert text.startswith(TARGETS), "no line is changed"
    fresh = resolve(
        Workspace(
            inputs.workspace.home,
            inputs.workspace.policy_folder,
            inputs.workspace.connect,
            inputs.workspace.source,
            inputs.workspace.now,
        ),
        APRIL,
        inputs.record,
    )
    owners = Owners(inputs.extract.users)
    in_force = {
        each.owner_id: each.amount
        for each in fresh.targets_in_force()[APRIL]
        if each.fiscal_year == 2027
    }
    # The eve of the year is not over: at the end of April nobody has to know them yet.
    assert in_force == {}
    book = {
        (row["owner_id"], row["revision"]): row["annual_target"]
        for row in fresh.target_book.to_dict("records")
        if row["fiscal_year"] == 2027
    }
    (ann,), (bob,) = owners.matches("ann@acme.example"), owners.matches("bob@acme.example")
    assert book[ann, 2] + book[bob, 1] == sum(Decimal(row["annual_target"]) for row in lines)
    again = adopt_targets(tmp_path / "out" / "growth" / "targets.csv", fresh, 2027)
    assert (again.added, again.left) == (0, 2)
    assert done.book.read_text() == text


@pytest.mark.parametrize(
    ("book", "proposed", "says"),
    [
        (
            TARGETS,
            "fiscal_year,owner,annual_target\n2028,ann@acme.example,1\n",
            "keep lines of FY2027 only",
        ),
        (TARGETS, "fiscal_year,owner,annual_target\n", "has no targets"),
        (
            TARGETS,
            "fiscal_year,owner,annual_target\n2027,who@acme.example,1\n",
            "is not a user of Salesforce",
        ),
        (
            TARGETS.replace(",", ";"),
            "fiscal_year,owner,annual_target\n2027,ann@acme.example,1\n",
            "copy the proposed lines into it by hand",
        ),
        (
            "fiscal_year,owner,annual_target,revision\n2026,ann@acme.example,5,1\n",
            "fiscal_year,owner,annual_target,start_date\n2027,ann@acme.example,1,2027-02-01\n",
            "has no column start_date",
        ),
    ],
)
def test_what_cannot_be_adopted_leaves_the_book_as_it_was(
    inputs: MonthInputs, tmp_path: Path, book: str, proposed: str, says: str
) -> None:
    path = inputs.workspace.policy_folder / "targets.csv"
    path.write_text(book)
    (tmp_path / "proposed.csv").write_text(proposed)
    with pytest.raises((UnadoptableTargets, ValueError)) as fault:
        adopt_targets(tmp_path / "proposed.csv", inputs, 2027)
    assert says in str(fault.value)
    assert path.read_text() == book


def test_amounts_are_adopted_as_the_folder_spells_them(inputs: MonthInputs, tmp_path: Path) -> None:
    folder = inputs.workspace.policy_folder
    (folder / "fy2026.toml").write_text('[targets]\ndecimal = ","\n')
    scenario(inputs, "cents", "number = 300000.50\nround_to = 0.01")
    fresh = resolve(
        Workspace(
            inputs.workspace.home,
            folder,
            inputs.workspace.connect,
            "https://acme.example",
            inputs.workspace.now,
        ),
        APRIL,
        inputs.record,
    )
    lines = written(fresh, tmp_path / "out")["cents/targets.csv"]
    assert sum(Decimal(row["annual_target"].replace(",", ".")) for row in lines) == Decimal(
        "300000.50"
    )
    assert adopt_targets(tmp_path / "out" / "cents" / "targets.csv", fresh, 2027).added == 2
    assert lines[0]["annual_target"] in (folder / "targets.csv").read_text()


def again(inputs: MonthInputs) -> MonthInputs:
    """Return the inputs as another process reads them."""
    one = inputs.workspace
    fresh = Workspace(one.home, one.policy_folder, one.connect, one.source, one.now)
    return resolve(fresh, APRIL, inputs.record)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ('[targets]\nsource = "salesforce"', "Salesforce's quotas"),
        ('[targets]\nsource = "book.xlsx"', "is no CSV file"),
        ('[phasing]\nmethod = "stated"', "monthly_targets.csv"),
        ('[targets]\nsource = "../outside.csv"', "lies outside the policy folder"),
    ],
)
def test_books_that_are_not_added_to(
    inputs: MonthInputs, tmp_path: Path, policy: str, says: str
) -> None:
    (inputs.workspace.policy_folder / "fy2027.toml").write_text(policy)
    (tmp_path / "outside.csv").write_text(TARGETS)
    (tmp_path / "proposed.csv").write_text(
        "fiscal_year,owner,annual_target\n2027,ann@acme.example,1\n"
    )
    with pytest.raises(UnadoptableTargets, match=says):
        adopt_targets(tmp_path / "proposed.csv", again(inputs), 2027)
    assert (tmp_path / "outside.csv").read_text() == TARGETS


@pytest.mark.parametrize(
    ("proposed", "beside", "says"),
    [
        (
            "2027,ann@acme.example,5,1\n2027,005A,6,2\n",
            {},
            "names '005A' again; keep one line of each person",
        ),
        (
            "2027,ann@acme.example,5,1\n",
            {"monthly_targets.csv": "owner,month,amount\nann@acme.example,2027-01,5\n"},
            "with these lines the book could not be read",
        ),
    ],
)
def test_a_book_that_could_not_be_read_afterwards_stays_as_it_was(
    inputs: MonthInputs, tmp_path: Path, proposed: str, beside: dict[str, str], says: str
) -> None:
    folder = inputs.workspace.policy_folder
    book = TARGETS.replace("2027,ann@acme.example,130000,,,,1,,\n", "")
    (folder / "targets.csv").write_text(book)
    for name, text in beside.items():
        (folder / name).write_text(text)
    (tmp_path / "proposed.csv").write_text(f"fiscal_year,owner,annual_target,revision\n{proposed}")
    with pytest.raises(ValueError, match="the book could not be read|keep one line") as fault:
        adopt_targets(tmp_path / "proposed.csv", again(inputs), 2027)
    assert says in str(fault.value)
    assert (folder / "targets.csv").read_text() == book


def test_a_book_with_decimal_commas_is_added_to_with_them_and_keeps_who_may_read_it(
    inputs: MonthInputs, tmp_path: Path
) -> None:
    folder = inputs.workspace.policy_folder
    real = tmp_path / "policy" / "shared.csv"
    (folder / "targets.csv").unlink()
    real.write_text(
        'fiscal_year,owner,annual_target,revision\n2026,ann@acme.example,"120.000,50",1\n'
        "2026,bob@acme.example,90.000,1"
    )
    real.chmod(0o664)
    (folder / "targets.csv").symlink_to(real.name)
    (tmp_path / "proposed.csv").write_text(
        "fiscal_year,owner,annual_target\n2027,ann@acme.example,1000000.25\n"
    )
    assert adopt_targets(tmp_path / "proposed.csv", again(inputs), 2027).added == 1
    assert (folder / "targets.csv").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o664
    amounts = again(inputs).target_book.set_index("fiscal_year")["annual_target"]
    assert amounts[2027] == Decimal("1000000.25")


def test_an_effective_date_is_kept_and_a_year_that_runs_is_not_adopted(
    inputs: MonthInputs, tmp_path: Path
) -> None:
    (tmp_path / "proposed.csv").write_text(
        "fiscal_year,owner,annual_target,effective_date\n2027,ann@acme.example,140000,2027-03-01\n"
    )
    done = adopt_targets(tmp_path / "proposed.csv", inputs, 2027)
    assert done.book.read_text().endswith("2027,ann@acme.example,140000,,,,2,2027-03-01,\n")
    with pytest.raises(UnplannableYear, match="FY2026 began"):
        adopt_targets(tmp_path / "proposed.csv", inputs, 2026)
    with pytest.raises(UnadoptableTargets, match="is no file"):
        adopt_targets(tmp_path, inputs, 2027)


def test_targets_of_another_book_of_that_year_have_its_revisions(
    inputs: MonthInputs, tmp_path: Path
) -> None:
    folder = inputs.workspace.policy_folder
    (folder / "fy2027.toml").write_text('[targets]\nsource = "next.csv"\n')
    (folder / "next.csv").write_text(TARGETS + "2027,ann@acme.example,140000,,2027-04-01,,2,,\n")
    fresh = again(inputs)
    lines = {row["owner"]: row for row in written(fresh, tmp_path / "out")["capacity/targets.csv"]}
    ann = lines["ann@acme.example"]
    assert (ann["revision"], ann["start_date"]) == ("3", "2027-04-01"), "by the line of that year"
    path = tmp_path / "out" / "capacity" / "targets.csv"
    assert adopt_targets(path, fresh, 2027).book == folder / "next.csv"
    assert adopt_targets(path, again(inputs), 2027).added == 0


@pytest.mark.parametrize("name", ["..", ".", "a.csv", "a\nb", "-", "x" * 61, b"\xff\xfe"])
def test_names_that_no_folder_should_have(inputs: MonthInputs, name: str | bytes) -> None:
    folder = inputs.workspace.policy_folder / "plan"
    folder.mkdir()
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    (folder / f"{text}.toml").write_text("")
    with pytest.raises(InvalidPolicy, match="cannot be a scenario's") as fault:
        plan_year(inputs, 2027)
    assert str(fault.value).isprintable()


def test_a_pipe_is_no_scenario(inputs: MonthInputs) -> None:
    folder = inputs.workspace.policy_folder / "plan"
    folder.mkdir()
    os.mkfifo(folder / "pipe.toml")
    with pytest.raises(InvalidPolicy, match="is no file"):
        plan_year(inputs, 2027)


def test_who_left_lately_takes_their_part_away_and_nobody_sells_better_for_it(
    inputs: MonthInputs,
) -> None:
    ((_, before),) = [each.plan.members for each in plan_year(inputs, 2027).scenarios]
    (inputs.workspace.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target,end_date\n2026,ann@acme.example,120000,2026-04-30\n"
        "2026,bob@acme.example,90000,\n"
    )
    ((bob,),) = [each.plan.members for each in plan_year(again(inputs), 2027).scenarios]
    assert bob.member.name == before.member.name == "Bob"
    assert bob.expected <= before.expected * 1.001


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[seats]]\nname = "Late"\nstart_date = 2028-02-01', "'Late' does not sell in FY2027"),
        (
            '[[people]]\nowner = "ann@acme.example"\nend_date = 2024-01-31',
            "would end on 2024-01-31, before the start on 2025-01-01",
        ),
        ("number = 5.555", "scenario 'x': number = 5.555 has parts below the smallest amount"),
    ],
)
def test_what_cannot_be_in_that_year(inputs: MonthInputs, text: str, says: str) -> None:
    (inputs.workspace.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target,start_date\n2026,ann@acme.example,120000,2025-01-01\n"
    )
    scenario(inputs, "x", text)
    with pytest.raises(UnplannableYear) as fault:
        plan_year(again(inputs), 2027)
    assert says in str(fault.value)


def test_a_seat_called_as_a_user_is_a_seat(inputs: MonthInputs) -> None:
    ann = next(iter(plan_year(inputs, 2027).scenarios[0].plan.members))
    scenario(inputs, "x", f'[[seats]]\nname = "{ann.member.member_id}"')
    rows = plan_year(inputs, 2027).scenarios[0].plan.members
    assert [row.member.is_seat for row in rows] == [False, False, True]
    assert rows[2].expected != rows[0].expected
