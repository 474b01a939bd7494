"""How good forecasts are: skill, calibration, and the share of what perfect knowledge would give. Part of `make bench`.

On generated companies of 60, 150 and 400 opportunities a year, 20 of each, whose true
probabilities are known; each forecast is made as a user's would be, from what was known at its
month end. Beside it in the same run: stage-weighted pipeline, the same month last year, the average
of three months, twelve months' run rate, and one who knows everything but chance.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.firm import of_one_currency
from benchmarks.simulated import SimulatedFirm, simulated_firm
from sales import arrow as columns
from sales.calendar import Month, Period
from sales.contracts.contract import empty
from sales.contracts.history import MonthlyBookings
from sales.contracts.raw import RawTargets
from sales.forecast.backtest import Score, scores, track_record
from sales.history.extract import Extract, people
from sales.history.reconstruction import PipelineHistory
from sales.policy.reading import parse_policy
from sales.policy.rules import MonthRules, PolicyBook
from sales.rollup import Grains
from sales.statistics.deal_outcomes import forecast_basis
from sales.statistics.distribution import CELLS, Sums
from sales.statistics.period_distribution import forecast_inputs, to_come
from sales.statistics.point_in_time import WON, Knowledge, PointInTimeData
from sales.targets import annual_targets
from sales.targets import phased_targets as targets

SIZES, SEEDS = (60, 150, 400), 20
FIRST, LAST = Month(2022, 12), Month(2024, 12)
SAMPLES = 800
POLICIES = PolicyBook({2021: parse_policy("", "fy2021.toml")})
REGIONAL = Path(
    os.environ.get(
        "ONPACE_REGIONAL_SALES", Path(__file__).parents[2] / "shared" / "data" / "regional_sales"
    )
)


@dataclass
class Skill:
    """What was forecast of companies of one size, and what came; money in minor units."""

    crps: dict[str, float] = field(
        default_factory=lambda: {"model": 0.0, "climatology": 0.0, "perfect": 0.0}
    )
    errors: dict[str, list[float]] = field(default_factory=dict)
    outcomes: list[float] = field(default_factory=list)
    chances: list[np.ndarray] = field(default_factory=list)
    crm: list[np.ndarray] = field(default_factory=list)
    won: list[np.ndarray] = field(default_factory=list)
    records: list[pd.DataFrame] = field(default_factory=list)
    perfect_hits: list[tuple[float, bool]] = field(default_factory=list)

    def wape(self, name: str) -> float:
        """Return the sum of absolute errors / the sum of outcomes, of the month to come."""
        return float(np.sum(self.errors[name]) / np.sum(self.outcomes))

    @property
    def crps_skill(self) -> float:
        """Return the CRPS gained over climatology: this company's own past months, equally likely."""
        return 1 - self.crps["model"] / self.crps["climatology"]

    @property
    def perfect_skill(self) -> float:
        """Return what one gains who knows every probability."""
        return 1 - self.crps["perfect"] / self.crps["climatology"]

    def brier(self, which: str) -> float:
        """Return the mean squared error of deals' chances to be won in the month to come."""
        said = np.concatenate(self.chances if which == "model" else self.crm)
        return float(((said - np.concatenate(self.won)) ** 2).mean())

    def deal_ece(self) -> float:
        """Return the expected calibration error of deals' chances."""
        return calibration_error(np.concatenate(self.chances), np.concatenate(self.won))

    def scores(self) -> dict[tuple[str, str], Score]:
        """Return the scores of all companies' track records together."""
        together = pd.concat(
            [
                record.assign(grain_id=record["grain_id"] + f"-{n}")
                for n, record in enumerate(self.records)
            ],
            ignore_index=True,
        )
        return {(score.grain, score.kind): score for score in scores(together)}

    def perfect_hit_skill(self) -> float:
        """Return the Brier skill of P(hit) of the month of one who knows every probability."""
        said, came = (np.array(each, np.float64) for each in zip(*self.perfect_hits, strict=True))
        return 1 - float(((said - came) ** 2).mean() / ((came.mean() - came) ** 2).mean())

    def hit_error(self, grain: str, kind: str) -> float:
        """Return the expected calibration error of the chance to hit."""
        rows = pd.concat(self.records, ignore_index=True)
        rows = rows.loc[
            (rows["grain"] == grain)
            & (rows["period_kind"] == kind)
            & rows["hit_probability"].notna()
        ]
        return calibration_error(
            columns.floats(rows["hit_probability"]), columns.booleans(rows["is_hit"])
        )


def calibration_error(said: np.ndarray, came: np.ndarray, bins: int = 10) -> float:
    """Return the mean distance between what was said and what came, bin by bin."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    parts = [
        abs(said[place == each].mean() - came[place == each].mean()) * (place == each).mean()
        for each in np.unique(place)
    ]
    return float(sum(parts))


def skill(deals_a_year: int, seeds: int, first: Month = FIRST, last: Month = LAST) -> Skill:
    """Return the skill of forecasts on so many generated companies of one size."""
    found = Skill()
    for seed in range(seeds):
        _judge(simulated_firm(deals_a_year, seed), found, first, last, np.random.default_rng(seed))
    return found


def _judge(
    firm: SimulatedFirm, found: Skill, first: Month, last: Month, chance: np.random.Generator
) -> None:
    extract = firm.extract
    rules = POLICIES.for_month(last, extract.defaults)
    point_in_time = PointInTimeData(PipelineHistory(extract, "USD", 2), last, rules)
    now, owners = point_in_time.known_at(last.index), people(extract, "role")
    grains = Grains(owners.ids, owners.teams, rules.company)
    totals, truths = monthly_totals(now), {}
    for month in range(first.index, last.index):
        then = point_in_time.known_at(month)
        seen = forecast_basis(then)
        ahead = forecast_inputs(seen, grains, np.ones(len(owners.ids), np.bool_))
        assert ahead is not None
        coming = Period("month", "", (Month.from_index(month + 1),))
        sums = to_come(ahead, coming).company
        booked = float(then.bookings.amount[then.bookings.month == month + 1].sum())
        came = totals[month + 1 - now.first_month]
        past = totals[: month + 1 - now.first_month]
        truth = firm.true_landing(month, SAMPLES, chance) * 100
        truths[str(Month.from_index(month))] = truth
        found.crps["model"] += crps_of(sums, came - booked)
        found.crps["climatology"] += crps_of_samples(past[-24:], came)
        found.crps["perfect"] += crps_of_samples(truth, came)
        due = then.now.close_month == month + 1
        forecasts = {
            "model": booked + sums.quantile(0.5)[0],
            "stage_weighted": booked + np.nansum((then.now.amount * then.now.probability)[due]),
            "last_year": past[-12],
            "three_months": past[-3:].mean(),
            "run_rate": past[-12:].mean(),
            "perfect": np.median(truth),
        }
        for name, value in forecasts.items():
            found.errors.setdefault(name, []).append(abs(float(value) - came))
        found.outcomes.append(came)
        deal = now.position_of(then.deal_ids, then.now.deal)
        found.chances.append(ahead.deal_forecast.win[:, 1])
        found.crm.append(np.where(due, then.now.probability, 0.0))
        found.won.append(
            (now.outcomes.status[deal] == WON) & (now.outcomes.month[deal] == month + 1)
        )
    book = capacity_targets(firm, totals)
    record = track_record(
        point_in_time,
        last,
        rules,
        owners,
        lambda origin: targets_of(book, extract, origin),
        extract.extracted_at,
    )
    found.records.append(record)
    judged = (
        (record["grain"] == "company")
        & (record["period_kind"] == "month")
        & (record["target"] > 0)
        & record["as_of_month"].isin(list(truths))
    )
    months = record.loc[judged]
    for origin, target, is_hit in zip(
        months["as_of_month"],
        columns.floats(months["target"]),
        columns.booleans(months["is_hit"]),
        strict=True,
    ):
        found.perfect_hits.append((float((truths[origin] >= target * 100).mean()), bool(is_hit)))


def monthly_totals(now: Knowledge) -> np.ndarray:
    """Return bookings by month, from the first with records on."""
    won = now.outcomes.status == WON
    size = now.month - now.first_month + 1
    return np.bincount(
        now.outcomes.month[won] - now.first_month, np.nan_to_num(now.outcomes.amount[won]), size
    )[:size]


def capacity_targets(firm: SimulatedFirm, totals: np.ndarray) -> pd.DataFrame:
    """Return a target book in which everybody's target is what they book in a usual year."""
    a_year = float(totals[-36:].mean()) * 12
    ids = columns.arrow(firm.extract.users["user_id"]).to_pylist()
    rows = [
        (year, owner, Decimal(round(a_year * share / 100)))
        for year in range(2021, 2026)
        for owner, share in zip(ids, firm.share, strict=True)
    ]
    size = len(rows)
    return columns.frame(
        {
            "fiscal_year": pa.array([row[0] for row in rows]),
            "owner_id": pa.array([row[1] for row in rows]),
            "annual_target": pa.array([row[2] for row in rows], pa.decimal128(38, 10)),
            "currency_code": pa.nulls(size, pa.string()),
            "start_date": pa.nulls(size, pa.date32()),
            "end_date": pa.nulls(size, pa.date32()),
            "revision": pa.array([1] * size),
            "effective_date": pa.nulls(size, pa.date32()),
            "holidays": pa.nulls(size, pa.string()),
            "stated_months": pa.nulls(size, pa.string()),
        }
    )[list(empty(RawTargets).columns)]


def targets_of(book: pd.DataFrame, extract: Extract, origin: Month) -> pd.DataFrame:
    """Return the phased targets in force at a month end."""
    in_force = annual_targets.in_force(book, of_one_currency, origin, POLICIES, extract.defaults)
    owners = people(extract, "role")
    return targets.phased_targets(
        {origin: in_force},
        empty(MonthlyBookings),
        owners,
        origin,
        POLICIES,
        extract.defaults,
        extract.extracted_at,
    )


def crps_of(sums: Sums, came: float) -> float:
    """Return the continuous ranked probability score of a distribution on a grid."""
    below, place = (
        np.cumsum(sums.chance[0]),
        sums.grid.step[0] * (np.arange(CELLS) - sums.grid.below[0]),
    )
    return float(
        ((below - (place >= came)) ** 2).sum() * sums.grid.step[0] + max(0.0, came - place[-1])
    )


def crps_of_samples(samples: np.ndarray, came: float) -> float:
    """Return the continuous ranked probability score of equally likely values."""
    ordered, size = np.sort(samples), len(samples)
    return float(
        np.abs(ordered - came).mean() - (2 * np.arange(1, size + 1) - size - 1) @ ordered / size**2
    )


def report() -> None:
    """Print every figure."""
    print(
        f"forecast of the month to come at each of {LAST.index - FIRST.index} month ends, {SEEDS} generated companies a size, {date.today()}"
    )
    print("WAPE of the median:")
    names = ("model", "perfect", "stage_weighted", "last_year", "three_months", "run_rate")
    print("  opportunities a year " + " ".join(f"{name:>14}" for name in names))
    results = {size: skill(size, SEEDS) for size in SIZES}
    for size, found in results.items():
        print(f"  {size:>20} " + " ".join(f"{found.wape(name):14.2f}" for name in names))
    print(
        "against goals: (1) model / stage-weighted <= 0.75, (2) model / best other baseline <= 0.90, (3) share of perfect's CRPS gain >= 0.50,"
    )
    print(
        "  (4) P10-P90 holds 0.75-0.92, (5) deal Brier / CRM's <= 0.80, (6) deal ECE <= 0.04, (7) P(hit) Brier skill >= 0.12, (8) its ECE <= 0.10, (9) reach ECE"
    )
    for size, found in results.items():
        others = min(found.wape(name) for name in ("last_year", "three_months", "run_rate"))
        score = found.scores()["company", "month"]
        brier_skill = 1 - (score.brier or 0) / (score.brier_baseline or 1)
        print(
            f"  {size:>4}: (1) {found.wape('model') / found.wape('stage_weighted'):.2f} (perfect {found.wape('perfect') / found.wape('stage_weighted'):.2f})"
            f"  (2) {found.wape('model') / others:.2f}  (3) {found.crps_skill / found.perfect_skill:.2f} ({found.crps_skill:+.2f} of {found.perfect_skill:+.2f})"
            f"  (4) {score.inside:.2f}  (5) {found.brier('model') / found.brier('crm'):.2f}  (6) {found.deal_ece():.3f}"
            f"  (7) {brier_skill:+.2f} (perfect {found.perfect_hit_skill():+.2f})  (8) {found.hit_error('company', 'month'):.2f}"
            f"  (9) person {found.hit_error('person', 'year'):.3f}, company {found.hit_error('company', 'year'):.3f}"
        )
    for size, found in results.items():
        for kind in ("quarter", "year"):
            score = found.scores()["company", kind]
            print(
                f"  {size:>4} {kind:>7}: WAPE {score.wape:.2f}, {', '.join(f'{name} {value:.2f}' for name, value in score.baselines.items())};"
                f" P10-P90 holds {score.inside:.2f}; P(hit) Brier {score.brier:.3f} against {score.brier_baseline:.3f}"
            )
    regional_sales()


def regional_sales() -> None:
    """Print the track record of the public sample, as it is."""
    if not REGIONAL.is_dir():
        print("Regional Sales is not on this machine: set ONPACE_REGIONAL_SALES to its folder")
        return
    extract, rules = _regional_extract()
    last = Month(2021, 10)
    point_in_time = PointInTimeData(PipelineHistory(extract, "USD", 2), last, rules)
    record = track_record(
        point_in_time, last, rules, people(extract, "manager"), lambda _: None, extract.extracted_at
    )
    print(
        "Regional Sales, up to October 2021 (its history has no slips, no stage changes before the close, and grows by half a year on year):"
    )
    for score in scores(record):
        error = f"WAPE {score.wape:.2f}, {', '.join(f'{name} {value:.2f}' for name, value in score.baselines.items())}"
        error = error if score.baselines else "no baseline reaches back far enough"
        print(
            f"  {score.grain:>7} {score.kind:>7} ({score.forecasts} forecasts): {error}; P10-P90 holds {score.inside:.2f}"
        )


def _regional_extract() -> tuple[Extract, MonthRules]:
    from tempfile import TemporaryDirectory

    from connectors.salesforce.auth import Login
    from connectors.salesforce.pull import SalesforceClient
    from connectors.storage.catalogue import Catalogue
    from connectors.storage.extracts import ExtractStore, as_extract
    from embedded_org.csv_org import csv_org
    from embedded_org.server import OrgServer, serving
    from embedded_org.sessions import DEFAULT_CREDENTIAL

    with TemporaryDirectory() as folder, serving(OrgServer(csv_org(REGIONAL))) as address:
        store = ExtractStore(Catalogue(Path(folder)))
        record = SalesforceClient(Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)).pull(
            store, "bench"
        )
        extract = as_extract(store.frames(record), record.extract_id, record.extracted_at)
    policy = parse_policy(
        '[fiscal]\nstart_month = 1\ntime_zone = "America/New_York"\ncurrency = "USD"\n',
        "fy2021.toml",
    )
    return extract, PolicyBook({2021: policy}).for_month(Month(2021, 10), extract.defaults)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        SEEDS = int(sys.argv[1])
    report()
