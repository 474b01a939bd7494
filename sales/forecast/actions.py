"""What must happen next: at most three things for the company, each team and each person, by the money at stake.

Put here which actions a reader is told. A rule asks what can still be done in the time that is left,
of the one who can do it: `deal_actions` and `team_actions` have them. How it is said is
`reports.sections.actions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import Actions
from sales.forecast.action_facts import Action, ActionFacts, Actors, Reader, records
from sales.forecast.deal_actions import DealActions
from sales.forecast.team_actions import TeamActions
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind

MOST_ACTIONS = 3
# Less than so much of the reader's coming number is not worth an order.
LEAST_STAKE = Decimal("0.02")


def actions(facts: ActionFacts, month: Month, rules: MonthRules) -> DataFrame[Actions]:
    """Return the actions of every reader, the most money at stake first."""
    board = _Board(facts, month, rules)
    rows: list[tuple[Reader, int, Action]] = []
    for reader, number in sorted(board.numbers.items()):
        chosen = _chosen(board.of_reader(reader), number * LEAST_STAKE)
        rows += [(reader, rank, action) for rank, action in enumerate(chosen, start=1)]
    found = [action for *_, action in rows]
    quantum = money.quantum(rules.digits)
    stakes = [money.to_minor(each.stake.quantize(quantum), rules.digits) for each in found]
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(rows)),
            "grain": columns.text([reader[0] for reader, *_ in rows]),
            "grain_id": columns.text([reader[1] for reader, *_ in rows]),
            "rank": pa.array([rank for _, rank, _ in rows], pa.int64()),
            "rule": columns.text([each.rule.value for each in found]),
            "owner_id": columns.text([each.owner_id for each in found]),
            "opportunity_id": columns.text([each.opportunity_id for each in found]),
            "stake": money.decimal_array(np.array(stakes, np.int64), rules.digits),
            "due_date": pa.array([each.due for each in found], pa.date32()),
            "outcome": columns.text([None] * len(rows)),
            "owner_name": columns.take(
                facts.owners.names,
                columns.codes(columns.text([each.owner_id for each in found]), facts.owners.ids),
            ),
            "person_id": columns.text([each.person_id for each in found]),
            "team": columns.text([each.team for each in found]),
            "period": columns.text([each.period for each in found]),
        }
    )
    extracted_at = facts.snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), Actions)


def _chosen(found: Iterable[Action], least: Decimal) -> list[Action]:
    """Return the three with most at stake; of what is not about a deal, one of each kind."""
    chosen: list[Action] = []
    for action in sorted(found, key=lambda each: each.order):
        is_told = action.opportunity_id is None and any(action.rule == each.rule for each in chosen)
        if action.stake > 0 and action.stake >= least and not is_told:
            chosen.append(action)
    return chosen[:MOST_ACTIONS]


class _Board:
    """All that may be asked of anybody at a month end."""

    def __init__(self, facts: ActionFacts, month: Month, rules: MonthRules) -> None:
        self._facts, self._actors = facts, Actors(facts, month)
        self._deals = DealActions(facts, month, rules, self._actors)
        self._teams = TeamActions(facts, month, rules, self._actors)

    @cached_property
    def numbers(self) -> dict[Reader, Decimal]:
        """The coming month's number of every reader."""
        rows = records(self._facts.coming_month, "grain", "grain_id", "number")
        return {(row["grain"], row["grain_id"]): row["number"] for row in rows}

    def of_reader(self, reader: Reader) -> Iterator[Action]:
        """Yield all that may be asked of a reader; of a person only what they can do themselves."""
        grain, grain_id = reader
        asked = self._deals.by_reader.get(reader, ())
        if grain == GrainKind.PERSON:
            yield from (each for each in asked if each.owner_id == grain_id)
            return
        yield from asked
        for each in self._teams.of_people:
            if grain == GrainKind.COMPANY or each.team == grain_id:
                yield each
        yield from self._teams.find_pipeline(reader)
        yield from self._teams.draft_in(reader)
