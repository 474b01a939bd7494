"""What became of a month's actions, as the month end after it shows.

Put here when an action about a deal is done. What is asked of people and teams leaves no trace in
the CRM: of that nobody can tell.
"""

from __future__ import annotations

from typing import Any

from pandera.typing import DataFrame

from sales import arrow as columns
from sales.contracts.forecast import Actions
from sales.contracts.history import OpportunitySnapshot
from sales.vocabulary import ActionOutcome, ActionRule

Deal = dict[str, Any]


def with_outcomes(
    actions: DataFrame[Actions],
    then: DataFrame[OpportunitySnapshot],
    now: DataFrame[OpportunitySnapshot],
) -> DataFrame[Actions]:
    """Return the actions of a month end with what the snapshot of the one after it says of their deals."""
    before, after = _deals(then), _deals(now)
    outcomes = [
        None if key is None else _outcome(ActionRule(rule), before.get(key), after.get(key))
        for rule, key in zip(
            columns.arrow(actions["rule"]).to_pylist(),
            columns.arrow(actions["opportunity_id"]).to_pylist(),
            strict=True,
        )
    ]
    told = columns.text([None if each is None else each.value for each in outcomes])
    return actions.assign(outcome=columns.series(told))


def _deals(snapshot: DataFrame[OpportunitySnapshot]) -> dict[str, Deal]:
    wanted = ["opportunity_id", "is_open", "is_won", "amount", "close_date"]
    return {row["opportunity_id"]: row for row in columns.rows(snapshot[wanted])}


def _outcome(rule: ActionRule, before: Deal | None, after: Deal | None) -> ActionOutcome:
    """Return whether what was asked is done or still to do; a deal that was lost or deleted otherwise is gone."""
    if after is None:
        return ActionOutcome.GONE
    is_lost = not after["is_open"] and not after["is_won"]
    if rule == ActionRule.NAME_AMOUNT:
        is_done = after["amount"] is not None
    elif rule == ActionRule.REDATE:
        is_done = not after["is_open"] or _is_later(before, after)
    elif rule == ActionRule.CLOSE_LOST:
        # It was to be closed unless the client confirms.
        is_done = not after["is_open"]
    else:
        is_done = bool(after["is_won"])
    if is_done:
        return ActionOutcome.DONE
    return ActionOutcome.GONE if is_lost else ActionOutcome.OPEN


def _is_later(before: Deal | None, after: Deal) -> bool:
    return before is not None and after["close_date"] > before["close_date"]
