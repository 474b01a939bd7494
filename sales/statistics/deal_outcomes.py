"""What becomes of each open deal: the chance that it is booked in each of the months ahead.

Put the fate of single deals here. Won and lost compete in monthly steps; each step is a ridge
logistic on what the CRM showed at a month end, trained on all earlier month ends whose following
months are over. Sums over deals are `period_distribution`; business that nobody has created yet is
`new_business`.

Method: discrete-time competing risks (Prentice and Gloeckler 1978; Singer and Willett 1993), the
ridge (le Cessie and van Houwelingen 1992) standing for how little a small company can know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from scipy.special import expit, log_expit, logit

from sales import arrow as columns
from sales.arrow import Codes, Floats, Mask
from sales.statistics.deal_features import FeatureBuilder
from sales.statistics.point_in_time import LOST, WON, Knowledge, OpenDeals

HORIZON = 12
# Below six closed months nothing is claimed.
FEWEST_MONTHS = 6
FEWEST_DECIDED = 20
# A row a deal, month end and step: more than this is thinned out evenly, for time.
MOST_ROWS = 40_000
RIDGE = 3.0
# Deals' worth of evidence that a rate of a small company is pulled back by.
PRIOR_DEALS = 20.0
RECALIBRATION_DEALS = 25.0
SHOCK_PRIOR, SHOCK_PRIOR_MONTHS = 0.3, 12.0
SMALLEST_SHOCK, LARGEST_SHOCK = 0.05, 0.6
CREEP_RANGE = (0.2, 3.0)
# Chances, coefficients and ratios are kept to so many decimals.
DECIMALS = 6


@dataclass(frozen=True)
class DealForecast:
    """Open deals with the chance to be booked in each month ahead.

    `win[i, h]` is the chance that deal i is booked h months after the month end; column 0 is for
    deals entered late, with a close date that has passed. `amount` is in minor units, the
    company's median where the deal has none. `creep` are equally likely ratios of the final to
    today's amount; `shock` is the spread of what moves all deals of a month together, in log-odds.
    """

    deals: OpenDeals
    win: Floats
    amount: Floats
    is_imputed: Mask
    creep: Floats
    shock: float

    @property
    def size(self) -> int:
        """Return the number of open deals."""
        return len(self.deals)

    def between(self, first: int, last: int) -> Floats:
        """Return each deal's chance to be booked from `first` to `last` months after the month end."""
        if last < first:
            return np.zeros(self.size)
        return np.minimum(self.win[:, max(first, 0) : last + 1].sum(axis=1), 1.0)


@dataclass(frozen=True)
class ForecastBasis:
    """What is known at a month end, and what becomes of the open deals; `deals` is none where history is too short."""

    known: Knowledge
    deals: DealForecast | None


def forecast_basis(known: Knowledge) -> ForecastBasis:
    """Return what a month end's knowledge says of its open deals."""
    return ForecastBasis(known, deal_forecast(known))


@dataclass(frozen=True)
class _Steps:
    """Rows of training: the position of the open deal, how many months ahead, what happened."""

    row: Codes
    ahead: Codes
    is_won: Mask
    is_lost: Mask
    weight: Floats


def has_history(known: Knowledge) -> bool:
    """Return whether there is enough of a past to learn from."""
    return _training(known) is not None


def deal_forecast(known: Knowledge) -> DealForecast | None:
    """Return what becomes of the deals that are open; none where there is too little history."""
    steps = _training(known)
    if steps is None:
        return None
    features_of = FeatureBuilder(known)
    features = features_of.at(known.past.take(steps.row), steps.ahead)
    to_win, to_lose = (
        _fit(features, happened, steps.weight) for happened in (steps.is_won, steps.is_lost)
    )
    fitted = expit(_odds(features, to_win))
    win = _ahead(
        features_of, known.now, to_win, to_lose, _recalibration(steps, fitted), _entered_late(known)
    )
    amount = known.now.amount
    is_imputed = np.isnan(amount)
    typical = _typical_amount(known)
    return DealForecast(
        deals=known.now,
        win=np.round(win, DECIMALS),
        amount=np.where(is_imputed, typical, amount),
        is_imputed=is_imputed,
        creep=np.round(_creep(known), DECIMALS),
        shock=round(_shock(known, steps, fitted), DECIMALS),
    )


def _training(known: Knowledge) -> _Steps | None:
    """Return the rows to learn from; none where they are too few, or no deal was ever open at a month end and after it."""
    decided = np.isin(known.outcomes.status, [WON, LOST]).sum()
    if known.closed_months < FEWEST_MONTHS or decided < FEWEST_DECIDED or not len(known.past):
        return None
    steps = _steps(known)
    return steps if len(steps.row) else None


def _steps(known: Knowledge) -> _Steps:
    """Return each month that a deal was still open in, seen from each earlier month end."""
    past, outcomes = known.past, known.outcomes
    status, decided = outcomes.status[past.deal], outcomes.month[past.deal] - past.month
    is_decided = (status == WON) | (status == LOST)
    until = np.where(is_decided, np.maximum(decided, np.where(status == LOST, 1, 0)), HORIZON)
    seen = np.minimum(np.minimum(until, known.month - past.month), HORIZON)
    seen = np.where(is_decided & (until <= 0), 0, seen)
    total = int(seen.sum())
    every = max(1, -(-total // MOST_ROWS))
    kept = np.flatnonzero((np.arange(len(past)) % every == 0) & (seen > 0))
    row = np.repeat(kept, seen[kept])
    ahead = np.arange(len(row)) - np.repeat(np.cumsum(seen[kept]) - seen[kept], seen[kept]) + 1
    ends = ahead == until[row]
    # One deal and month is seen from several month ends: together they count once.
    moment = past.deal[row] * 4096 + (past.month[row] + ahead - known.first_month)
    _, of, times = np.unique(moment, return_inverse=True, return_counts=True)
    return _Steps(
        row, ahead, ends & (status[row] == WON), ends & (status[row] == LOST), 1.0 / times[of]
    )


def _fit(features: Floats, happened: Mask, weight: Floats) -> Floats:
    """Return coefficients of a logistic with a ridge on all but the constant, rounded.

    The last digits depend on how many processors share the work, and on which: rounded they do not,
    and what is computed from them adds in an order of its own.
    """
    ridge = np.full(features.shape[1], RIDGE)
    ridge[0] = 1e-6
    sign = np.where(happened, 1.0, -1.0)
    share = float((weight * happened).sum() + 0.5) / float(weight.sum() + 1.0)
    start = np.zeros(features.shape[1])
    start[0] = float(logit(share))

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = sign * (features @ at)
        slope = features.T @ (-weight * sign * expit(-margin))
        return float(
            -(weight * log_expit(margin)).sum() + 0.5 * (ridge * at * at).sum()
        ), slope + ridge * at

    def bend(at: Floats) -> Floats:
        chance = expit(features @ at)
        return (features * (weight * chance * (1 - chance))[:, None]).T @ features + np.diag(ridge)

    from scipy import optimize  # noqa: PLC0415  # half a second that most commands do not need

    minimize = cast("Any", optimize).minimize
    found = cast(
        "Floats",
        minimize(
            loss,
            start,
            jac=True,
            hess=bend,
            method="trust-exact",
            options={"gtol": 1e-5, "maxiter": 60},
        ).x,
    )
    return np.round(found, DECIMALS)


def _odds(features: Floats, coefficients: Floats) -> Floats:
    """Return the log-odds of rows; unlike a product of matrices the sum has the same digits everywhere."""
    return np.einsum("ij,j->i", features, coefficients)


def _ahead(
    features_of: FeatureBuilder,
    now: OpenDeals,
    to_win: Floats,
    to_lose: Floats,
    factor: Floats,
    entered_late: Floats,
) -> Floats:
    win = np.zeros((len(now), HORIZON + 1))
    win[:, 0] = entered_late
    still = 1.0 - entered_late
    for ahead in range(1, HORIZON + 1):
        features = features_of.at(now, np.full(len(now), ahead))
        wins, loses = (
            np.minimum(factor[ahead] * expit(_odds(features, to_win)), 1.0),
            expit(_odds(features, to_lose)),
        )
        both = np.maximum(wins + loses, 1.0)
        win[:, ahead] = still * wins / both
        still = still * np.maximum(0.0, 1.0 - (wins + loses) / both)
    return win


def _recalibration(steps: _Steps, fitted: Floats) -> Floats:
    """Return the factor on the chance to win at each step ahead that makes wins come out right, pulled towards 1."""
    won = columns.total_by(steps.ahead, steps.is_won, HORIZON + 1)
    expected = columns.total_by(steps.ahead, fitted, HORIZON + 1)
    return (won + RECALIBRATION_DEALS) / (expected + RECALIBRATION_DEALS)


def _entered_late(known: Knowledge) -> Floats:
    """Return the chance that a deal turns out to have been booked before the month end: overdue ones have more of it."""
    past, outcomes = known.past, known.outcomes
    is_late = (outcomes.status[past.deal] == WON) & (outcomes.month[past.deal] <= past.month)
    overdue = past.close_month <= past.month
    chance = [
        float((is_late & (overdue == side)).sum() / ((overdue == side).sum() + PRIOR_DEALS))
        for side in (False, True)
    ]
    return np.where(known.now.close_month <= known.month, chance[1], chance[0])


def _typical_amount(known: Knowledge) -> float:
    won = known.outcomes.amount[known.outcomes.status == WON]
    won = won[won > 0]
    return float(np.median(won)) if len(won) else 0.0


def _creep(known: Knowledge) -> Floats:
    """Return three equally likely ratios of the final to the open amount, pulled towards 1."""
    past, outcomes = known.past, known.outcomes
    final, then = outcomes.amount[past.deal], past.amount
    use = (outcomes.status[past.deal] == WON) & (then * final > 0)
    if not use.any():
        return np.ones(3)
    ratios = np.sort(np.clip(final[use] / then[use], *CREEP_RANGE))
    deals = len(np.unique(past.deal[use]))
    thirds = np.array([part.mean() if len(part) else 1.0 for part in np.array_split(ratios, 3)])
    return (deals * thirds + PRIOR_DEALS) / (deals + PRIOR_DEALS)


def _shock(known: Knowledge, steps: _Steps, chance: Floats) -> float:
    """Return how far months differ beyond chance, in log-odds: what moves all deals together."""
    next_month = steps.ahead == 1
    row_chance, happened = chance[next_month], steps.is_won[next_month]
    months = known.past.month[steps.row[next_month]] - known.first_month
    expected = columns.total_by(months, row_chance)
    spread = columns.total_by(months, row_chance * (1 - row_chance))
    surplus = (columns.total_by(months, happened) - expected) ** 2 - spread
    prior = SHOCK_PRIOR_MONTHS * float((spread**2).mean())
    variance = (
        (float(surplus.sum()) + prior * SHOCK_PRIOR**2) / (float((spread**2).sum()) + prior)
        if prior
        else SHOCK_PRIOR**2
    )
    return float(np.sqrt(np.clip(variance, SMALLEST_SHOCK**2, LARGEST_SHOCK**2)))
