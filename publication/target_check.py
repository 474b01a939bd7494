"""What is wrong with targets, and with what lies beside them: who has none, who has left, what they sum to.

Put here what is found by looking at the target book; the other files are `policy_check`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pandera.typing import DataFrame

from connectors.policy.annual_targets import MONTHLY_TARGETS, TargetRow, read_target_book
from connectors.policy.commentary import read_commentary
from connectors.policy.csv_rows import lines_of
from connectors.policy.plan_files import faults_without_people, plan_faults, read_plan_book
from connectors.policy.spreadsheet import UnreadableTable
from publication.finding import Finding, Known, Weight
from publication.preconditions import people_brands
from publication.target_book import SALESFORCE, spelling_of, target_book_of
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.raw import RawTargets
from sales.errors import UserError
from sales.forecast.submitted_calls import unclear_forecasting_type
from sales.history.extract import UNASSIGNED, People, people_of
from sales.policy.rules import MonthRules
from sales.targets.stated_plans import PlanBook

MOST_NAMES = 5
LINE = re.compile(r" line \d+")


def examine_targets_alone(folder: Path, rules: MonthRules) -> Iterator[Finding]:
    """Yield what lines say of themselves: who their owners are is not known."""
    source = rules.policy.targets.source
    if source == SALESFORCE:
        yield Finding(Weight.NOTE, "targets are quotas in Salesforce, which was not asked")
        return
    path, faults = folder / source, list[UserError]()
    if not path.is_file():
        yield Finding(Weight.STOPS, f"{path} does not exist; write the annual targets there")
        return
    faults += faults_without_people(folder, None, rules.digits, spelling_of(rules))
    try:
        lines = list(lines_of(path, TargetRow, spelling=spelling_of(rules), faults=faults))
    except (UserError, UnreadableTable) as fault:
        yield Finding(Weight.STOPS, str(fault))
        return
    yield from _together(faults)
    empty = sum(line.row.annual_target is None for line in lines)
    yield Finding(
        Weight.NOTE,
        f"{path.name} states {len(lines) - empty} targets, and {empty} lines are still empty; owners were not looked up, because nothing was read of Salesforce",
    )


def examine_targets(
    folder: Path, rules: MonthRules, known: Known, month: Month
) -> Iterator[Finding]:
    """Yield what is wrong with targets, plans and words beside them, and whom the targets leave out."""
    source, faults = rules.policy.targets.source, list[UserError]()
    try:
        path = (folder / source).resolve()
        is_here = path.is_file() and path.is_relative_to(folder.resolve())
        if source == SALESFORCE or not is_here or (folder / MONTHLY_TARGETS).is_file():
            book = target_book_of(rules, folder, known.users, known.roles, known.quotas)
        else:
            book = read_target_book(folder / source, known.users, spelling_of(rules), faults)
    except UserError as fault:
        yield Finding(Weight.STOPS, str(fault))
        return
    faults += plan_faults(folder, known.users, known.accounts, rules.digits, spelling_of(rules))
    named = ("client_plans.csv", "agreements.csv")
    of_clients = [each for each in named if (folder / each).is_file()]
    if known.accounts is None and of_clients:
        yield Finding(
            Weight.NOTE,
            f"the clients of {' and '.join(of_clients)} were not looked up: no client was read",
        )
    yield from _together(faults)
    year = rules.calendar.fiscal_year(month)
    of_year = book[book["fiscal_year"] == year]
    if not len(of_year):
        if not faults:
            yield _nobody(folder / source, rules, month, sorted(set(book["fiscal_year"])))
        return
    last = rules.calendar.last_day(month)
    if all(
        day is not None and day > last
        for day in columns.arrow(of_year["effective_date"]).to_pylist()
    ):
        yield Finding(
            Weight.STOPS,
            f"every target of FY{year} takes effect after the end of {month}; correct effective_date in {source}",
        )
    everybody = people_of(known.users, known.roles, known.queues, rules.policy.pipeline.team_by)
    for ask in (
        lambda: people_brands(rules, known.users),
        lambda: _commentary(folder, everybody),
    ):
        try:
            ask()
        except UserError as fault:
            yield Finding(Weight.STOPS, str(fault))
    yield from _beside(folder, rules, known, everybody, is_readable=not faults)
    yield from _whom(of_year, everybody, known, f"FY{year}")
    yield from _sums(of_year, everybody, rules, f"FY{year}")


def _beside(
    folder: Path, rules: MonthRules, known: Known, everybody: People, *, is_readable: bool
) -> Iterator[Finding]:
    """Yield what misleads of that which lies beside targets: calls that are none, teams that are none."""
    if unclear := unclear_forecasting_type(known.submitted_forecasts, rules):
        yield Finding(Weight.MISLEADS, unclear)
    if is_readable:
        spelling = spelling_of(rules)
        plans = read_plan_book(folder, known.users, known.accounts, rules.digits, spelling)
        yield from _teams(plans, everybody)


def _teams(plans: PlanBook, everybody: People) -> Iterator[Finding]:
    """Yield teams in which nobody is, of the files that name teams."""
    teams = {"", UNASSIGNED, *everybody.teams.to_pylist()}
    named = {
        "team_targets.csv": {each.team for each in plans.stated},
        "agreements.csv": {each.team for each in plans.agreements},
        "capacity.csv": {each.team for each in plans.capacities},
    }
    for name, of_file in named.items():
        if unknown := sorted(of_file - teams):
            yield Finding(
                Weight.MISLEADS,
                f"{name} names teams in which nobody is ({len(unknown)}): {_some(unknown)}; write them as the pages do",
            )


def _commentary(folder: Path, everybody: People) -> None:
    """Read every month's words; raises `InvalidCommentary`."""
    teams = set(everybody.teams.to_pylist())
    for place in sorted((folder / "commentary").glob("????-??")):
        read_commentary(folder, Month.parse(place.name), teams)


def _nobody(path: Path, rules: MonthRules, month: Month, years: Sequence[int]) -> Finding:
    """Say that nobody has a target in the year of a month, and what the target book has instead."""
    months = rules.calendar.year_of(month).months
    year = f"FY{rules.calendar.fiscal_year(month)} ({months[0]} to {months[-1]})"
    is_book = path.is_file() and rules.policy.targets.source != SALESFORCE
    lines = (
        list(lines_of(path, TargetRow, spelling=spelling_of(rules), faults=[])) if is_book else []
    )
    empty = sum(each.row.annual_target is None for each in lines)
    there = ", ".join(f"FY{each}" for each in years)
    has = f"it has targets for {there}" if there else "it has none"
    more = f", and {empty} lines whose annual_target is still empty" if empty else ""
    return Finding(
        Weight.STOPS,
        f"nobody has a target for {year}, the year of {month}, the last closed one: {path.name}: {has}{more}; add lines for {year.partition(' ')[0]}, or name a month of a year that has them (`onpace preview MONTH`, `onpace report MONTH`)",
    )


def _together(faults: Sequence[UserError]) -> Iterator[Finding]:
    """Yield faults, those that differ by their lines only as one."""
    alike: dict[str, list[str]] = {}
    for each in map(str, faults):
        alike.setdefault(LINE.sub("", each), []).append(each)
    for sentences in alike.values():
        more = f" (and so {len(sentences) - 1} more lines)" if len(sentences) > 1 else ""
        yield Finding(Weight.STOPS, f"{sentences[0]}{more}")


def _whom(
    book: DataFrame[RawTargets], everybody: People, known: Known, year: str
) -> Iterator[Finding]:
    """Yield who owns deals and has no target, and who has one and has left."""
    names = dict(zip(everybody.ids.to_pylist(), everybody.names.to_pylist(), strict=True))
    active = {each for each, is_active in zip(names, everybody.is_active, strict=True) if is_active}
    owners = set(book["owner_id"])
    if left_out := sorted(names[each] for each in known.owners_at_work & active - owners):
        yield Finding(
            Weight.MISLEADS,
            f"active owners of deals have no target for {year}, so that their bookings count for team and company without one ({len(left_out)}): {_some(left_out)}",
        )
    logins = dict(zip(known.users["user_id"], known.users["username"], strict=True))
    if left := sorted(
        f"{names.get(each, each)} ({logins.get(each, each)})"
        for each in known.winners - active - owners
    ):
        yield Finding(
            Weight.MISLEADS,
            f"{len(left)} who can no longer log in won deals in {year} and have no target for it, so that team and company look better than they are: {_some(left)}; give each a line with the target of the months that they were there and the end_date",
        )
    open_ended = set(book.loc[book["end_date"].isna(), "owner_id"])
    if gone := sorted(names[each] for each in open_ended - active if each in names):
        yield Finding(
            Weight.MISLEADS,
            f"have a target for {year} and can no longer log in ({len(gone)}): {_some(gone)}; give their lines an end_date",
        )


def _sums(
    book: DataFrame[RawTargets], everybody: People, rules: MonthRules, year: str
) -> Iterator[Finding]:
    newest = book.sort_values("revision").drop_duplicates("owner_id", keep="last")
    teams = dict(zip(everybody.ids.to_pylist(), everybody.teams.to_pylist(), strict=True))
    lines = newest.assign(
        team=[teams.get(each, UNASSIGNED) for each in newest["owner_id"]],
        currency=newest["currency_code"].fillna(rules.currency),
    )
    for (team, currency), rows in lines.groupby(["team", "currency"], sort=True):
        yield Finding(
            Weight.NOTE,
            f"{year}, {str(team)[:60]}: {sum(rows['annual_target']):,.2f} {currency} in the targets of {len(rows)} {'person' if len(rows) == 1 else 'people'}",
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(each[:60] for each in listed[:MOST_NAMES]) + more
