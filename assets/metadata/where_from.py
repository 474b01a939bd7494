"""Where the figures of a table come from, for everyone who opens the UI: formulas, counts and record ids.

Put here what of an explanation may be read there: no client, no name of a person or a deal, and no
amount of a single deal. All of it is what `onpace explain` prints to whoever may read the tables.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

import dagster as dg
import pandas as pd
from pandera.typing import DataFrame

from sales.calendar import Month
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.explain.evidence import DoesNotAddUp, Evidence, EvidenceGroup, Record, records
from sales.explain.explanation import ATTAINMENT, RULES, Explanation, explain, plain, written
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind, PeriodKind

SUBJECTS = {ATTAINMENT: "attainment"}
MAIN = {
    "targets": "target",
    "bookings": "bookings",
    "open_pipeline": "open_pipeline",
    "overdue": "overdue_pipeline",
}
GRAINS = [GrainKind.COMPANY, GrainKind.TEAM, GrainKind.PERSON]
IDS = 20
# An event of the UI: larger ones load slowly.
MOST = 60_000
PUNCTUATION = re.compile(r"([!-%'-/:;=-@\[-`{-~])")


def where_from(
    name: str,
    table: pd.DataFrame,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    rules: MonthRules,
) -> dg.MetadataValue:
    """Return how each column comes about, and for each row what makes it up, as Markdown of a bounded size."""
    month = Month.parse(table["as_of_month"].iloc[0])
    evidence = Evidence(snapshot, booking_credit, phased_targets, month, rules)
    rows = sorted(
        records(table),
        key=lambda row: (
            GRAINS.index(row["grain"]),
            row["grain_id"],
            row["period_kind"],
            row["period"],
        ),
    )
    found = [(row, _explained(evidence, name, row)) for row in rows]
    wrong = [row for row, its in found if its is None]
    head = (
        [
            f"**{len(wrong)} of {len(rows)} rows do not add up.** Do not use them; each is marked below, and its command says why."
        ]
        if wrong
        else []
    )
    told = [
        *head,
        *_formulas(name),
        "",
        *_bounded(
            _row(name, row, month, its)
            for row, its in sorted(found, key=lambda pair: pair[1] is not None)
        ),
    ]
    return dg.MetadataValue.md("\n".join(told))


def _explained(evidence: Evidence, name: str, row: Record) -> Explanation | None:
    try:
        return explain(evidence, name, row)
    except DoesNotAddUp:
        return None  # its sentence may name amounts of single deals: the page says that it is wrong, the command why


def _formulas(name: str) -> Iterator[str]:
    yield "| column | comes from | reads |"
    yield "| --- | --- | --- |"
    for column, rule in RULES[name].items():
        yield f"| {column} | {rule.words} | {', '.join(rule.reads)} |"


def _row(name: str, row: Record, month: Month, its: Explanation | None) -> str:
    whom = (
        ""
        if row["grain"] == GrainKind.COMPANY
        else f"--{row['grain']} {shlex.quote(plain(row['grain_id']))} "
    )
    command = f"onpace explain {SUBJECTS.get(name, 'coverage')} {whom}--period {row['period']} --as-of {month}"
    lines = [f"**{escaped(row['grain_id'])}, {row['period']}** {_code(command)}", ""]
    # What is overdue is the same in every period: once is enough.
    told = (
        [
            group
            for group in its.groups
            if group.name != "overdue" or row["period_kind"] == PeriodKind.YEAR
        ]
        if its
        else []
    )
    lines += [f"- {_made_of(group, row)}" for group in told] if its else ["- **does not add up**"]
    return "\n".join([*lines, ""])


def _made_of(group: EvidenceGroup, row: Record) -> str:
    figure = MAIN[group.name]
    if group.name == "targets":
        return f"{figure} {written(row[figure])}: {len(group.lines)} monthly targets"
    ids = list(dict.fromkeys(line.record_id for line in group.lines))
    # A sum of one is the amount of a single deal.
    is_single = len({line.record_id for line in group.lines if line.adds.get(figure)}) == 1
    more = f" and {len(ids) - IDS} more" if len(ids) > IDS else ""
    shown = f": {', '.join(escaped(each) for each in ids[:IDS])}{more}" if ids else ""
    return f"{figure} {'of a single deal' if is_single else written(row[figure])}: {len(ids)} opportunities{shown}"


def _bounded(rows: Iterable[str]) -> list[str]:
    """Return as many rows as a page holds, and how many it does not."""
    shown, left_out, size = list[str](), 0, 0
    for row in rows:
        size += len(row)
        if size <= MOST:
            shown.append(row)
        else:
            left_out += 1
    return (
        [*shown, f"{left_out} rows are left out here; `onpace explain` prints each."]
        if left_out
        else shown
    )


def escaped(text: str) -> str:
    """Return a text that Markdown takes for text and nothing else."""
    return PUNCTUATION.sub(r"\\\1", plain(text)).replace("&", "&amp;").replace("<", "&lt;")


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return f"{'`' * (longest + 1)} {text} {'`' * (longest + 1)}" if longest else f"`{text}`"
