"""Where the figures of a table come from, for everyone who opens the UI: formulas, and the commands that list what a figure is made of.

Put here what of an explanation may be read there: the company's rows, and those that do not add up.
No amount and no record stands here: beside the company's figures in a preview, the records of a
month and of its quarter would tell what a single deal is worth. All of it is what `onpace explain`
prints to whoever may read the tables.
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
from sales.explain.evidence import DoesNotAddUp, Evidence, Record, records
from sales.explain.explanation import ATTAINMENT, RULES, explain, plain
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind

SUBJECTS = {ATTAINMENT: "attainment"}
GRAINS = [GrainKind.COMPANY, GrainKind.TEAM, GrainKind.PERSON]
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
    """Return how each column comes about, and the commands that list what its rows are made of, as Markdown of a bounded size."""
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
    wrong = [row for row in rows if not _adds_up(evidence, name, row)]
    head = (
        [
            f"**{len(wrong)} of {len(rows)} rows do not add up.** Do not use them; the command of each says why:",
            "",
            *_bounded(_line(name, row, month) for row in wrong),
            "",
        ]
        if wrong
        else []
    )
    company = (row for row in rows if row["grain"] == GrainKind.COMPANY)
    told = [
        *head,
        *_formulas(name),
        "",
        "What the company's rows are made of:",
        "",
        *_bounded(_line(name, row, month) for row in company),
    ]
    return dg.MetadataValue.md("\n".join(told))


def _adds_up(evidence: Evidence, name: str, row: Record) -> bool:
    try:
        explain(evidence, name, row)
    except DoesNotAddUp:
        return (
            False  # its sentence may name amounts: the page says that it is wrong, the command why
        )
    return True


def _formulas(name: str) -> Iterator[str]:
    yield "| column | comes from | reads |"
    yield "| --- | --- | --- |"
    for column, rule in RULES[name].items():
        yield f"| {column} | {rule.words} | {', '.join(rule.reads)} |"


def _line(name: str, row: Record, month: Month) -> str:
    whom = (
        ""
        if row["grain"] == GrainKind.COMPANY
        else f"--{row['grain']} {shlex.quote(plain(row['grain_id']))} "
    )
    command = f"onpace explain {SUBJECTS.get(name, 'coverage')} {whom}--period {row['period']} --as-of {month}"
    return f"- {escaped(row['grain_id'])}, {row['period']}: {_code(command)}"


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
        [*shown, f"- {left_out} rows are left out here; `onpace explain` prints each."]
        if left_out
        else shown
    )


def escaped(text: str) -> str:
    """Return a text that Markdown takes for text and nothing else."""
    return PUNCTUATION.sub(r"\\\1", plain(text)).replace("&", "&amp;").replace("<", "&lt;")


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return f"{'`' * (longest + 1)} {text} {'`' * (longest + 1)}" if longest else f"`{text}`"
