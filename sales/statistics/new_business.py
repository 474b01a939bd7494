"""Business that nobody has created yet, and the rate at which a company and its people book.

Put rates here: how much is won in month h ahead from deals created after the month end, and how
much is won in all. The company's own past decides; a person's share is pulled towards an equal
one by how little they have shown (Gamma-Poisson shrinkage), and the shares sum to the company.
A cancellation is no business that is to be created: it is forecast once it is in the CRM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sales import arrow as columns
from sales.arrow import Codes, Floats, Mask
from sales.calendar import MONTHS_IN_YEAR
from sales.statistics.deal_outcomes import HORIZON
from sales.statistics.point_in_time import WON, Knowledge
from sales.targets.seasonality import season

WINDOW = 24
HALF_LIFE = 12.0
# Months, and deals, of evidence that a person's rate and size of deal are pulled back by.
PRIOR_MONTHS, PRIOR_DEALS = 6.0, 15.0
SIZES = 16
OWN_DISPERSION = 0.05
# How far months stray together: what is supposed before anything is seen, bounds, and the months
# that a rate needs to be one.
LEAST_SEASON = 0.1
COMMON_SPREAD, SMALLEST_COMMON, LARGEST_COMMON, RATE_MONTHS = 0.15, 0.1, 0.8, 4.0


@dataclass(frozen=True)
class Rates:
    """Expected numbers of won deals and their sizes; people in the order asked for.

    `created[h]` is the company's number of deals a month that are created and won within the h
    months up to it, `all_of_them` the number in all, both in a month without season;
    `season[h]` is the factor of the month h ahead. `size` are equally likely amounts of a won
    deal in minor units, `scale` each person's factor on them, `share` their part of the number.
    `dispersion` is what is not known of each person's rate, `common` what is not known of all.
    `seen` is each person's own number of won deals and `exposure` the months that it is from, both
    weighed by how recent they are.
    """

    created: Floats
    all_of_them: float
    season: Floats
    size: Floats
    share: Floats
    scale: Floats
    dispersion: Floats
    common: float
    seen: Floats
    exposure: Floats

    def new_deals(self, first: int, last: int) -> float:
        """Return the expected number from deals not created yet, `first` to `last` months ahead."""
        ahead = np.arange(max(first, 1), last + 1)
        return float((self.created[ahead] * self.season[ahead]).sum())

    def deals(self, first: int, last: int) -> float:
        """Return the expected number in all, `first` to `last` months ahead."""
        ahead = np.arange(max(first, 1), last + 1)
        return float(self.all_of_them * self.season[ahead].sum())


def rates(known: Knowledge, owner: Codes, sells: Mask) -> Rates:
    """Return the rates as known at a month end.

    `owner` is each person's code in `known.owner_ids` (-1: never seen there), `sells` who has a
    target for the months ahead. Who has none and owns no open deal has left, and wins nothing more.
    """
    outcomes, now = known.outcomes, known.month
    won = np.flatnonzero((outcomes.status == WON) & (outcomes.amount > 0) & (outcomes.month <= now))
    month, amount = outcomes.month[won], outcomes.amount[won]
    begun = min(known.first_won, now)
    first = max(begun, now - WINDOW + 1)
    recency = 0.5 ** ((now - np.arange(first, now + 1)) / HALF_LIFE)
    recent = month >= first
    weight = recency[month[recent] - first]
    per_month = float(weight.sum() / recency.sum())
    person = _people(known, owner, sells, first, recency)
    size = _sizes(amount[recent], weight)
    its_season = (
        season(month, amount, begun, now, np.full(MONTHS_IN_YEAR, 1 / MONTHS_IN_YEAR)).shares
        * MONTHS_IN_YEAR
    )
    # The mean size of what people win must be the company's.
    total = float((person.share * person.scale).sum())
    return Rates(
        created=_created(month, known.created_month[won], first, now, per_month),
        all_of_them=per_month,
        season=np.r_[1.0, np.resize(its_season, HORIZON)],
        size=size,
        share=person.share,
        scale=person.scale / total if total else person.scale,
        dispersion=1.0 / np.maximum(person.evidence, 0.5) + OWN_DISPERSION,
        common=_common(
            month - begun,
            now - begun,
            np.roll(its_season, now + 1 - begun),
        ),
        seen=person.number,
        exposure=person.exposure,
    )


def _common(month: Codes, now: int, season: Floats) -> float:
    """Return how far a month's number of won deals strays from the rate of the months before, beyond season and chance.

    That is what moves all people together. `month` and `now` count from the first month with
    a booking, and so do the twelve factors of `season`.
    """
    counts = np.bincount(month[month >= 0], minlength=now + 1)[: now + 1].astype(np.float64)
    factor = np.resize(np.maximum(season, LEAST_SEASON), now + 1)
    rate, weight, surplus, squares = counts[0] / factor[0], 1.0, 0.0, 0.0
    fade, judged = 0.5 ** (1 / HALF_LIFE), 0
    for count, each in zip(counts[1:], factor[1:], strict=True):
        if weight > RATE_MONTHS:
            due = rate * each
            surplus += (count - due) ** 2 - due * (1 + 1 / weight)
            squares += due**2
            judged += 1
        rate = (rate * weight * fade + count / each) / (weight * fade + 1)
        weight = weight * fade + 1
    prior = PRIOR_MONTHS * (squares / judged if judged else rate**2)
    variance = (
        (surplus + prior * COMMON_SPREAD**2) / (squares + prior)
        if squares + prior
        else COMMON_SPREAD**2
    )
    return float(
        np.sqrt(
            np.clip(variance, SMALLEST_COMMON**2, LARGEST_COMMON**2)
            + 1.0 / max(float(counts[-WINDOW:].sum()), 1.0)
        )
    )


def _created(month: Codes, created: Codes, first: int, now: int, per_month: float) -> Floats:
    """Return, for each number of months ahead, how many deals were won there that did not exist at the origin."""
    found = np.zeros(HORIZON + 1)
    for ahead in range(1, HORIZON + 1):
        origins = np.arange(first - 1, now - ahead + 1)
        if not len(origins):
            found[ahead:] = found[ahead - 1] if ahead > 1 else per_month
            break
        recency = 0.5 ** ((now - ahead - origins) / HALF_LIFE)
        origin = month - ahead
        new = (created > origin) & (origin >= origins[0]) & (origin <= origins[-1])
        found[ahead] = recency[origin[new] - origins[0]].sum() / recency.sum()
    return np.minimum(np.maximum.accumulate(found), max(per_month, found[1]))


@dataclass(frozen=True)
class _People:
    share: Floats
    scale: Floats
    evidence: Floats
    number: Floats
    exposure: Floats


def _people(known: Knowledge, owner: Codes, sells: Mask, first: int, recency: Floats) -> _People:
    bookings, size = known.bookings, len(known.owner_ids)
    recent = (bookings.month >= first) & (bookings.month <= known.month) & (bookings.amount > 0)
    who, when = bookings.owner[recent], bookings.month[recent]
    credit = bookings.amount[recent].astype(np.float64)
    whole = known.outcomes.amount[bookings.deal[recent]]
    part = recency[when - first] * np.clip(credit / np.where(whole > 0, whole, credit), 0.0, 1.0)
    number = columns.total_by(who, part, size)
    money = columns.total_by(who, recency[when - first] * credit, size)
    seen_first = np.full(size, known.month + 1)
    np.minimum.at(seen_first, known.past.owner, known.past.month)
    np.minimum.at(seen_first, known.now.owner, known.now.month)
    np.minimum.at(seen_first, bookings.owner, bookings.month)
    since = np.r_[np.cumsum(recency[::-1])[::-1], 0.0]
    exposure = since[np.clip(seen_first - first, 0, len(recency))]
    mean_rate = float(number.sum() / max(float(exposure.sum()), 1e-9))
    mean_size = float(money.sum() / max(float(number.sum()), 1e-9))
    has_open = np.zeros(size + 1, np.bool_)
    has_open[known.now.owner] = True
    number, money, exposure = (np.r_[each, 0.0][owner] for each in (number, money, exposure))
    rate = np.where(
        has_open[owner] | sells,
        (number + mean_rate * PRIOR_MONTHS) / (exposure + PRIOR_MONTHS),
        0.0,
    )
    total = float(rate.sum())
    scale = (
        (money + PRIOR_DEALS * mean_size) / ((number + PRIOR_DEALS) * mean_size)
        if mean_size
        else np.ones(len(owner))
    )
    share = rate / total if total else rate
    return _People(share, scale, number + mean_rate * PRIOR_MONTHS, number, exposure)


def _sizes(amount: Floats, weight: Floats) -> Floats:
    """Return equally likely amounts that stand for the sizes of won deals; the mean is kept."""
    if not len(amount):
        return np.zeros(SIZES)
    order = np.argsort(amount, kind="stable")
    amount, weight = amount[order], weight[order]
    upto = np.r_[0.0, np.cumsum(weight)] / weight.sum()
    money = np.r_[0.0, np.cumsum(amount * weight)] / weight.sum()
    ends: Floats = np.asarray(np.interp(np.linspace(0, 1, SIZES + 1), upto, money), np.float64)
    return np.diff(ends) * SIZES
