"""`onpace explain`: finding the row that is asked about, and having it explained.

Put here how people name a team, a person, a period or a column; what a figure is made of is
`sales.explain.explanation`, how it is shown `explanation_tables`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from connectors.storage.monthly_tables import NotComputed
from publication.extract_selection import published_extract
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs, resolve
from publication.workspace import Workspace
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.errors import UserError
from sales.explain.evidence import Evidence, Record, records
from sales.explain.explanation import (
    ATTAINMENT,
    COVERAGE,
    FORECAST,
    RULES,
    Explanation,
    behind,
    explain,
    plain,
)
from sales.explain.forecast_evidence import forecast_evidence
from sales.policy.rules import MonthRules

TABLES = {"attainment": ATTAINMENT, "coverage": COVERAGE}
NAMED = 12
SHORT_ID = 15


class NoSuchRow(UserError, LookupError):
    """Nothing in the table goes by what was asked for, or several rows do."""


@dataclass(frozen=True)
class Question:
    """Which row is meant, in the words of whoever asks: a team, a person, or the company; `column` is one figure, or all."""

    subject: str
    team: str | None = None
    person: str | None = None
    period: str = ""
    month: Month | None = None
    column: str = ""


@dataclass(frozen=True)
class ExplainAnswer:
    """An explanation, the rules of its month, and who it is about."""

    explanation: Explanation
    rules: MonthRules
    whom: str


def answer(workspace: Workspace, question: Question) -> ExplainAnswer:
    """Return where the figures that are asked about come from; raises `NoSuchRow` and `DoesNotAddUp`."""
    month = question.month or workspace.published.latest()
    if month is None:
        raise NotComputed("no month is there yet; run `onpace report MONTH` first")
    name = TABLES[question.subject]
    wanted = _columns(name, question.column)
    rows = records(workspace.published.read(name, month))
    published = workspace.published
    snapshot = published.read_as(OpportunitySnapshot, month)
    credit = published.read_as(BookingCredit, month)
    phased = published.read_as(PhasedTargets, month)
    inputs = resolve(workspace, month, published_extract(workspace, month))
    grain, grain_id, whom = _whom(question, rows, [snapshot, credit, phased], inputs)
    row = _row(
        question,
        [row for row in rows if (row["grain"], row["grain_id"]) == (grain, grain_id)],
        whom,
        month,
    )
    rules = inputs.rules
    needs_forecast = name == COVERAGE and any(
        column in FORECAST for column in wanted or RULES[name]
    )
    ahead = (
        forecast_evidence(
            ForecastSources(inputs).forecast_basis, snapshot, credit, phased, month, rules
        )
        if needs_forecast
        else None
    )
    return ExplainAnswer(
        explain(Evidence(snapshot, credit, phased, month, rules, ahead), name, row, wanted),
        rules,
        whom,
    )


def _columns(table: str, column: str) -> Sequence[str]:
    """Return a column with those it is computed from, none for all."""
    if not column:
        return ()
    if column not in RULES[table]:
        raise NoSuchRow(
            f"{table} has no figure called {column[:60]!r}; {_near(column, RULES[table])}"
        )
    return sorted(behind(table, [column]))


def _whom(
    question: Question, rows: list[Record], parts: list[pd.DataFrame], inputs: MonthInputs
) -> tuple[str, str, str]:
    """Return grain, id and name of who is meant."""
    ids = {
        grain: sorted({row["grain_id"] for row in rows if row["grain"] == grain})
        for grain in ("person", "team", "company")
    }
    if question.team is not None:
        team = _the_one("team", question.team, [(each, each) for each in ids["team"]], inputs.month)
        return "team", team, team
    if question.person is None:
        return "company", ids["company"][0], ids["company"][0]
    names = {
        owner: name
        for part in parts
        for owner, name in part[["owner_id", "owner_name"]]
        .drop_duplicates()
        .itertuples(index=False)
    }
    users = inputs.extract.users
    user_names = dict(
        zip(users["user_id"], columns.arrow(users["username"]).to_pylist(), strict=True)
    )
    known = [
        (word, each)
        for each in ids["person"]
        for word in (each, each[:SHORT_ID], names[each], user_names.get(each))
        if word
    ]
    person = _the_one("person", question.person, known, inputs.month)
    return "person", person, names[person]


def _the_one(what: str, asked: str, known: list[tuple[str, str]], month: Month) -> str:
    """Return the id that goes by a word: as it is written, else whatever the case; raises `NoSuchRow` where it is not one."""
    exact = {each for word, each in known if word == asked}
    found = exact or {
        each for word, each in known if plain(word).casefold() == plain(asked).casefold()
    }
    if len(found) == 1:
        return found.pop()
    if found:
        raise NoSuchRow(
            f"{len(found)} go by {plain(asked)[:60]!r} at the end of {month}; name one by its id: {', '.join(sorted(found)[:NAMED])}"
        )
    raise NoSuchRow(
        f"no {what} with a target, a booking or a deal at the end of {month} is called {plain(asked)[:60]!r}; {_near(asked, _names(known))}"
    )


def _names(known: list[tuple[str, str]]) -> list[str]:
    """Return what people call each other by: no record ids, where there is anything else."""
    return sorted(
        {word for word, each in known if not each.startswith(word)} or {word for word, _ in known}
    )


def _row(question: Question, rows: list[Record], whom: str, month: Month) -> Record:
    asked = question.period.strip().upper()
    found = [row for row in rows if row["period"] == asked]
    if not found:
        there = ", ".join(sorted({row["period"] for row in rows}))
        said = (
            f"has no period {plain(question.period)[:40]!r}"
            if asked
            else "needs a period: name it with --period"
        )
        raise NoSuchRow(
            f"{question.subject} of {plain(whom)[:60]} at the end of {month} {said}; there are {there}"
        )
    return found[0]


def _near(asked: str, known: Iterable[str]) -> str:
    """Return what may be meant: names that are nearly the same, else the first ones there are."""
    shown = {plain(name).casefold(): plain(name) for name in known}
    near = [shown[each] for each in difflib.get_close_matches(plain(asked).casefold(), shown, n=3)]
    if near:
        return f"did you mean {' or '.join(repr(name[:60]) for name in near)}?"
    names = list(shown.values())
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"there are {', '.join(name[:60] for name in names[:NAMED])}{more}"
