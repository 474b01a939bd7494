"""An explanation on paper: tables for the terminal, and one table of all lines for a spreadsheet.

Put here how an explanation is shown; what is in it is `sales.explain.explanation`. Names come from
Salesforce: nothing in them reaches the terminal as a command, or a spreadsheet as a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from app.cli.explain import ExplainAnswer
from reports.export.safe_csv import guarded_csv
from sales.explain.evidence import EvidenceGroup, EvidenceRow
from sales.explain.explanation import (
    ATTAINMENT,
    FORECAST,
    Explanation,
    Figure,
    Value,
    plain,
    written,
)
from sales.money import DECIMAL_PRECISION

# Wider than any table: what it would take to print it whole.
LINE, CELL = 100, 40
LONGEST_NAME = 120  # as Salesforce has it
NONE = "-"


@dataclass(frozen=True)
class Shown:
    """A column of a list: its head, what it says of a line, and the figure it adds up to."""

    head: str
    say: Callable[[EvidenceRow], str]
    figure: str = ""
    is_number: bool = False


def _text(name: str) -> Callable[[EvidenceRow], str]:
    return lambda line: _shorten(plain(str(getattr(line, name) or NONE)))


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _number(name: str) -> Callable[[EvidenceRow], str]:
    return lambda line: written(getattr(line, name))


def _adds(figure: str) -> Callable[[EvidenceRow], str]:
    return lambda line: written(line.adds.get(figure))


def _percent(name: str) -> Callable[[EvidenceRow], str]:
    return lambda line: (
        NONE if getattr(line, name) is None else f"{float(getattr(line, name)):.4g} %"
    )


def _sum(head: str, figure: str) -> Shown:
    return Shown(head, _adds(figure), figure, is_number=True)


DEAL = [
    Shown("Opportunity", _text("record_id")),
    Shown("Name", _text("name")),
    Shown("Account", _text("account_name")),
]
STAGE = [Shown("Stage", _text("stage_name")), Shown("Closes", _text("close_date"))]
OWNER = Shown("Owner", _text("owner_name"))
LISTS: dict[str, tuple[str, list[Shown]]] = {
    "targets": (
        "Targets: each person's months",
        [
            Shown("Person", _text("owner_name")),
            Shown("Id", _text("owner_id")),
            Shown("Annual", _number("amount"), is_number=True),
            Shown("Month", _text("month")),
            _sum("Baseline", "target"),
            _sum("Re-phased", "rephased_target"),
        ],
    ),
    "bookings": (
        "Bookings: deals won, and who gets the credit",
        [
            *DEAL,
            *STAGE,
            Shown("Credit to", _text("owner_name")),
            Shown("Deal", _number("amount"), is_number=True),
            Shown("Share", _percent("share_pct"), is_number=True),
            _sum("Credit", "bookings"),
        ],
    ),
    "open_pipeline": (
        "Open pipeline: deals that are open and count in the period",
        [
            *DEAL,
            OWNER,
            *STAGE,
            _sum("Amount", "open_pipeline"),
            Shown("CRM", _percent("probability_pct"), is_number=True),
            _sum("Amount x CRM", "stage_weighted_pipeline"),
            Shown(
                "Chance",
                lambda line: NONE if line.chance is None else f"{line.chance:.2%}",
                is_number=True,
            ),
            _sum("Amount x chance", "weighted_pipeline"),
        ],
    ),
    "overdue": (
        "Overdue: deals that are open though their close date has passed",
        [*DEAL, OWNER, *STAGE, _sum("Amount", "overdue_pipeline")],
    ),
}
# What is never broken over lines.
WHOLE = {"Opportunity", "Id", "Closes", "Month"}
COUNTS = {"open_count", "without_amount_count"}
# Columns of the table for spreadsheets after those of the row; without a type they are money.
CSV: dict[str, pa.DataType | None] = {
    "figure": pa.string(),
    "line": pa.string(),
    "amount": None,
    "number": pa.float64(),
    "word": pa.string(),
    "comes_from": pa.string(),
    "worked": pa.string(),
    "record_id": pa.string(),
    "name": pa.string(),
    "account_name": pa.string(),
    "stage_name": pa.string(),
    "close_date": pa.date32(),
    "month": pa.string(),
    "owner_id": pa.string(),
    "owner_name": pa.string(),
    "whole_amount": None,
    "share_pct": pa.float64(),
    "probability_pct": pa.float64(),
    "chance": pa.float64(),
}
# Columns that only explain another one, and go with it.
GOES_WITH = {"CRM": "stage_weighted_pipeline", "Chance": "weighted_pipeline"}


def title(answer: ExplainAnswer) -> str:
    """Return what is explained: the row, its days, when it was known, and the currency."""
    its, calendar = answer.explanation, answer.rules.calendar
    subject = "Attainment" if its.table == ATTAINMENT else "Coverage"
    days = f"{calendar.first_day(its.period.first)} to {calendar.last_day(its.period.last)}"
    known = f"as known at the end of {its.month} (before {calendar.first_day(its.month.plus(1))} 00:00 {calendar.time_zone})"
    return f"{subject} of {plain(answer.whom)}, {its.period.name} ({days}), {known}; amounts in {answer.rules.currency}"


def tables(answer: ExplainAnswer) -> Iterator[Table]:
    """Yield the figures, then the lines behind them, whole, each list with a total that is the figure."""
    yield _figures(answer.explanation)
    for group in answer.explanation.groups:
        sums = answer.explanation.sums(group)
        if sums:
            yield _list(group, sums)


def remark(explanation: Explanation) -> str:
    """Return what was checked, and what is taken from the forecast as it is."""
    said = f"Each figure was made again from the lines above and is what {explanation.table} says."
    if not any(
        figure.column in FORECAST and figure.value is not None for figure in explanation.figures
    ):
        return said
    return f"{said} The chances of deals, c, N and the interval are the forecast's own, made again from what was known at the month end."


def _figures(explanation: Explanation) -> Table:
    table = _table("")
    for name, is_number in (("Figure", False), ("Value", True), ("Comes from", False)):
        is_long = name == "Comes from"
        table.add_column(
            name,
            justify="right" if is_number else "left",
            no_wrap=not is_long,
            max_width=LINE if is_long else None,
        )
    for figure in explanation.figures:
        worked = Text(f"\n= {figure.worked}") if figure.worked else Text()
        table.add_row(
            figure.column, Text(written(figure.value), style="bold"), Text(figure.words) + worked
        )
    return table


def _list(group: EvidenceGroup, sums: Sequence[Figure]) -> Table:
    name, columns = LISTS[group.name]
    here = {figure.column for figure in sums}
    shown = [
        each for each in columns if (each.figure or GOES_WITH.get(each.head, "")) in {"", *here}
    ]
    table = _table(name)
    for each in shown:
        head = f"{each.head}\n{each.figure}" if each.figure else each.head
        is_whole = each.is_number or each.head in WHOLE
        table.add_column(
            head,
            justify="right" if each.is_number else "left",
            no_wrap=is_whole,
            overflow="fold",
            max_width=None if is_whole else CELL,
        )
    for line in group.lines:
        table.add_row(*(Text(each.say(line)) for each in shown))
    table.add_section()
    totals = [written(_total(group, each.figure)) if each.figure else "" for each in shown[1:]]
    table.add_row(_counted(group), *totals, style="bold")
    return table


def _counted(group: EvidenceGroup) -> str:
    without = group.count("without_amount_count")
    return f"Total of {len(group.lines)}" + (f", {without} without amount" if without else "")


def _total(group: EvidenceGroup, figure: str) -> Decimal | int:
    return group.count(figure) if figure in COUNTS else group.total(figure)


def _table(name: str) -> Table:
    return Table(
        title=name,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )


def as_csv(answer: ExplainAnswer) -> bytes:
    """Return figures, and below each sum its lines: the lines of a figure add up to its row."""
    its = answer.explanation
    rows: list[dict[str, object]] = []
    for figure in its.figures:
        rows.append(
            {
                "figure": figure.column,
                "line": "figure",
                **_valued(figure.value),
                "comes_from": figure.words,
                "worked": figure.worked,
            }
        )
        for group in its.groups:
            if figure in its.sums(group):
                rows += [_part(figure, line) for line in group.lines]
    about = {
        "as_of_month": str(its.month),
        "grain": its.grain,
        "grain_id": its.grain_id,
        "period": its.period.name,
    }
    money = pa.decimal128(DECIMAL_PRECISION, answer.rules.digits)
    kinds = {name: pa.string() for name in about} | {
        name: kind or money for name, kind in CSV.items()
    }
    return guarded_csv(
        pa.table(
            {
                name: pa.array([(about | row).get(name) for row in rows], kind)
                for name, kind in kinds.items()
            }
        )
    )


def _valued(value: Value) -> dict[str, object]:
    if isinstance(value, Decimal):
        return {"amount": value}
    return {"word": value} if isinstance(value, str) else {"number": value}


def _part(figure: Figure, line: EvidenceRow) -> dict[str, object]:
    nothing = Decimal(0) if isinstance(figure.value, Decimal) else 0
    return {
        "figure": figure.column,
        "line": "part",
        **_valued(line.adds.get(figure.column, nothing)),
        "record_id": line.record_id,
        "name": line.name,
        "account_name": line.account_name,
        "stage_name": line.stage_name,
        "close_date": line.close_date,
        "month": line.month or None,
        "owner_id": line.owner_id,
        "owner_name": line.owner_name,
        "whole_amount": line.amount,
        "share_pct": line.share_pct and float(line.share_pct),
        "probability_pct": line.probability_pct,
        "chance": line.chance,
    }
