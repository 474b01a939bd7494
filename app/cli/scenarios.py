"""`onpace what-if`: reading changes as people write them, and showing what they do.

Put words and tables for the terminal here; the computation is `sales.forecast.scenarios`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

import pandas as pd
from rich.markup import escape
from rich.table import Table

from connectors.storage.monthly_tables import NotComputed
from publication.extract_selection import published_extract
from publication.forecast_sources import ForecastSources
from publication.month_inputs import resolve
from publication.workspace import Workspace
from reports.document.document import ENGLISH
from reports.text import formats
from sales import money
from sales.calendar import Month
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.errors import UserError
from sales.forecast.scenarios import Addition, Change, PeriodChange, Standing, WhatIf, what_if
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind

MOVE = re.compile(r"([^=]+)=(\d{4}-\d\d)")
ADD = re.compile(r"(.+)=([0-9][0-9.]*)@(\d{4}-\d\d)")
DAYS_SHOWN = 0.05


class UnreadableChange(UserError, ValueError):
    """A change is not written as it must be."""


def think(
    workspace: Workspace,
    month: Month | None,
    moves: Sequence[str],
    drops: Sequence[str],
    adds: Sequence[str],
) -> tuple[Month, MonthRules, WhatIf]:
    """Return what the changes do to a published month, the newest if none is named."""
    chosen = month or workspace.published.latest()
    if chosen is None:
        raise NotComputed("no month is there yet; run `onpace report MONTH` first")
    if not (moves or drops or adds):
        raise UnreadableChange(
            "nothing is changed; give --move DEAL=2026-11, --drop DEAL or --add ACCOUNT=AMOUNT@2026-11"
        )
    published = workspace.published
    snapshot = published.read_as(OpportunitySnapshot, chosen)
    credit = published.read_as(BookingCredit, chosen)
    phased = published.read_as(PhasedTargets, chosen)
    inputs = resolve(workspace, chosen, published_extract(workspace, chosen))
    rules, sources = inputs.rules, ForecastSources(inputs)
    change = Change(
        moves=[
            (deal, _month(when))
            for deal, when in (_parts(MOVE, text, "--move DEAL=2026-11") for text in moves)
        ],
        drops=list(drops),
        adds=[
            Addition(_client(client, snapshot), _month(when), _amount(amount, rules))
            for client, amount, when in (
                _parts(ADD, text, "--add ACCOUNT=AMOUNT@2026-11") for text in adds
            )
        ],
    )
    return (
        chosen,
        rules,
        what_if(
            change,
            sources.forecast_basis,
            snapshot,
            credit,
            phased,
            chosen,
            rules,
            sources.plan_book,
        ),
    )


def tables(found: WhatIf, rules: MonthRules) -> list[Table]:
    """Return the answer as tables for the terminal: the company, whoever else is changed, and the work where it changes."""
    shown = [_periods("The company", found.of_company(), rules)]
    others = [each for each in found.periods if each.grain != GrainKind.COMPANY]
    by_id: dict[tuple[GrainKind, str], list[PeriodChange]] = {}
    for each in others:
        by_id.setdefault((each.grain, each.grain_id), []).append(each)
    for kind in (GrainKind.TEAM, GrainKind.PERSON):
        shown += [
            _periods(
                f"{changes[0].name}, team" if kind == GrainKind.TEAM else changes[0].name,
                changes,
                rules,
            )
            for (grain, _), changes in by_id.items()
            if grain == kind and any(each.is_changed for each in changes)
        ]
    return [*shown, *_load(found)]


def remark(found: WhatIf, *, is_added: bool) -> str:
    """Return what the numbers assume."""
    if not any(change.after_as_pushed for change in found.periods):
        added = "; what is added counts as certain" if is_added else ""
        return f"The chances of all other deals are as forecast{added}."
    return (
        "The chance to win a moved deal is held as forecast. The last column lowers it by how deals of this company fared "
        f"that were pushed: they were won {found.pushed_factor:.0%} as often as all."
    )


def _periods(title: str, changes: Sequence[PeriodChange], rules: MonthRules) -> Table:
    table = Table(title=escape(title), title_justify="left", show_edge=False)
    for name in ("Period", "", "Before", "After"):
        table.add_column(name, justify="right" if name in {"Before", "After"} else "left")
    has_pushed = any(change.after_as_pushed for change in changes)
    if has_pushed:
        table.add_column("As pushed deals fare", justify="right")
    for change in changes:
        for label, cells in _lines(change, rules):
            table.add_row(
                change.period.name if label == "Expected landing" else "",
                label,
                *cells[: 3 if has_pushed else 2],
            )
        table.add_section()
    return table


def _lines(change: PeriodChange, rules: MonthRules) -> list[tuple[str, list[str]]]:
    standings = [change.before, change.after, change.after_as_pushed or change.after]

    def line(label: str, word: str) -> tuple[str, list[str]]:
        return label, [_word(standing, word, rules) for standing in standings]

    return [
        line("Expected landing", "expected"),
        line("Attainment expected", "expected_attainment"),
        line("Coverage", "coverage"),
        line("Chance to hit", "hit_probability"),
    ]


def _word(standing: Standing, name: str, rules: MonthRules) -> str:
    value = getattr(standing, name)
    if name == "expected":
        return ENGLISH.money(value, rules.currency)
    if name == "coverage":
        return ENGLISH.ratio(value)
    return formats.EMPTY if value is None else f"{value:.1%}"


def _load(found: WhatIf) -> list[Table]:
    pairs = list(zip(found.load_before, found.load_after, strict=True))
    if all(abs(one.expected_days - other.expected_days) < DAYS_SHOWN for one, other in pairs):
        return []
    table = Table(title="Days of work, won and expected", title_justify="left", show_edge=False)
    for name in ("Month", "Before", "After", "Capacity", "People short"):
        table.add_column(name, justify="left" if name == "Month" else "right")
    for one, other in pairs:
        capacity = formats.EMPTY if other.capacity_days is None else f"{other.capacity_days:.0f}"
        before, after = one.won_days + one.expected_days, other.won_days + other.expected_days
        table.add_row(
            str(one.month),
            f"{before:.1f}",
            f"{after:.1f}",
            capacity,
            f"{one.people_short} → {other.people_short}",
        )
    return [table, _work(found)]


def _work(found: WhatIf) -> Table:
    title = "Days of work by team and client, where they change"
    table = Table(title=title, title_justify="left", show_edge=False)
    for name in ("Team or client", "Month", "Before", "After"):
        table.add_column(name, justify="right" if name in {"Before", "After"} else "left")
    for each in found.work:
        if abs(each.after - each.before) >= DAYS_SHOWN:
            table.add_row(
                escape(each.of), str(each.month), f"{each.before:.1f}", f"{each.after:.1f}"
            )
    return table


def _parts(pattern: re.Pattern[str], text: str, example: str) -> tuple[str, ...]:
    found = pattern.fullmatch(text)
    if found is None:
        raise UnreadableChange(f"{text[:60]!r} cannot be read; write it as {example}")
    return found.groups()


def _client(text: str, snapshot: pd.DataFrame) -> str:
    """Return the id of a client by its name or id; raises `UnreadableChange` for any other text."""
    known = snapshot[["account_id", "account_name"]].dropna().drop_duplicates()
    ids = known["account_id"].tolist()
    names = known["account_name"].tolist()
    found = [
        each
        for each, name in zip(ids, names, strict=True)
        if text in {each, each[:15]} or text.casefold() == name.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnreadableChange(
            f"{text[:60]!r} is the name of {len(found)} clients; use the id of one: {', '.join(sorted(found)[:5])}"
        )
    named = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(text.casefold(), named, n=1)
    what = f"did you mean {named[near[0]]!r}?" if near else "use the name or id of a client"
    raise UnreadableChange(f"{text[:60]!r} is no client in Salesforce at that month end; {what}")


def _month(text: str) -> Month:
    return Month.parse(text)


def _amount(text: str, rules: MonthRules) -> int:
    try:
        return money.to_minor(Decimal(text), rules.digits)
    except InvalidOperation:
        raise UnreadableChange(f"{text[:40]!r} is no amount; write it as 12500.00") from None
