"""What the CRM showed of a deal at a month end, as numbers that a logistic learns from."""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from sales.arrow import Codes, Floats
from sales.statistics.point_in_time import Knowledge, OpenDeals

MOST_STAGES = 10


class FeatureBuilder:
    """What a row looks like to the logistic: the same columns for training and for today."""

    def __init__(self, known: Knowledge) -> None:
        """Learn centres and spreads of what was known; the stages that are used most get columns of their own."""
        past = known.past
        counts = np.bincount(past.stage)
        by_use = np.lexsort((np.arange(len(counts)), -counts))
        self._stages = np.array(
            [stage for stage in by_use[:MOST_STAGES] if counts[stage]], np.int64
        )
        self._month = known.month
        self._spread = {
            name: _centre_and_spread(self._raw(past, name))
            for name in ("amount", "age", "still", "odds")
        }

    def at(self, deals: OpenDeals, ahead: Codes) -> Floats:
        """Return features of deals, each so many months ahead; the first column is the constant."""
        due = deals.close_month - deals.month
        relative = np.clip(ahead - due, -4, 5)
        is_late = due <= 0
        odds, step = self._scaled(deals, "odds"), np.log(ahead)
        parts = [
            np.ones(len(ahead)),
            *(1.0 * (~is_late & (relative == each)) for each in range(-4, 6)),
            *(1.0 * (is_late & (np.minimum(ahead, 4) == each)) for each in (1, 2, 3, 4)),
            *(1.0 * (deals.stage == stage) for stage in self._stages),
            odds,
            step,
            odds * step,
            self._scaled(deals, "amount"),
            self._scaled(deals, "age"),
            self._scaled(deals, "still"),
            np.minimum(deals.pushes, 4) / 2.0,
            deals.category,
            (1.0 * ~is_late) * (ahead == due) * odds,
        ]
        return np.stack(parts, axis=1)

    def _scaled(self, deals: OpenDeals, name: str) -> Floats:
        centre, spread = self._spread[name]
        return np.clip((self._raw(deals, name) - centre) / spread, -3, 3)

    @staticmethod
    def _raw(deals: OpenDeals, name: str) -> Floats:
        if name == "amount":  # a deal without an amount, or a reduction, counts as a typical one
            seen = deals.amount > 0
            logs = np.log(np.where(seen, deals.amount, 1.0))
            return np.where(seen, logs, np.median(logs[seen]) if seen.any() else 0.0)
        if name == "odds":
            return logit(np.clip(deals.probability, 0.02, 0.98))
        return np.log1p(np.maximum(deals.age_days if name == "age" else deals.still_days, 0.0))


def _centre_and_spread(values: Floats) -> tuple[float, float]:
    spread = float(values.std())
    return float(values.mean()), spread if spread > 0 else 1.0
