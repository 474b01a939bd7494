"""The season: which share of a year falls into each of its months, as far as history can tell.

Put the estimate here. Phasing by season is `phasing`, forecasts use it in `new_business`.

Method: empirical Bayes (Efron and Morris 1975). Observed shares of the months are pulled towards
a base by the share of their spread that is chance; the chance part is measured deal by deal.
"""

from __future__ import annotations

from dataclasses import dataclass

from sales import arrow as columns
from sales.arrow import Codes, Floats
from sales.calendar import MONTHS_IN_YEAR


@dataclass(frozen=True)
class Season:
    """Twelve shares that sum to 1, and what they rest on.

    `evidence` is the weight of what was seen, from 0 (the base stands) to 1; `deals` and `years`
    say how much that was. `seen` are the shares before they were pulled to the base.
    """

    shares: Floats
    seen: Floats
    evidence: float
    deals: int
    years: int


def season(month: Codes, amount: Floats, first: int, last: int, base: Floats) -> Season:
    """Return the season from won deals in the whole years between the months `first` and `last`, both included.

    `month` is each deal's month index, `amount` in any unit; `base` are twelve shares, the first
    of them those of the month after `last`. One year is enough; without one the base stands.
    """
    years = max(0, (last - first + 1) // MONTHS_IN_YEAR)
    use = (month <= last) & (month > last - years * MONTHS_IN_YEAR) & (amount > 0)
    place, size = (month[use] - last - 1) % MONTHS_IN_YEAR, amount[use]
    total = float(size.sum())
    if not total:
        return Season(base, base, 0.0, 0, 0)
    seen = columns.total_by(place, size, MONTHS_IN_YEAR) / total
    # A Poisson number of deals: the variance of a sum is the sum of squares; sharing one total
    # takes part of it away.
    squares = columns.total_by(place, size**2, MONTHS_IN_YEAR) / total**2
    chance = float((squares * (1 - 2 * seen) + seen**2 * squares.sum()).mean())
    beyond = max(0.0, float(((seen - base) ** 2).mean()) - chance)
    evidence = beyond / (beyond + chance) if beyond else 0.0
    return Season(evidence * seen + (1 - evidence) * base, seen, evidence, int(use.sum()), years)
