"""What lies behind a figure: the opportunities, shares of bookings and target months of one grain and period.

Put here which rows of the published tables count, by the words of the definitions, one row at a
time. The code that makes the tables is not asked, so that the two can disagree. What a figure is
made of these rows is `explanation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import Mask
from sales.calendar import EPOCH, MONTHS_IN_QUARTER, FiscalCalendar, Month, Period
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import CRM_FORECASTS
from sales.errors import UserError
from sales.explain.forecast_evidence import ForecastEvidence
from sales.history.booking_credit import booked, open_credit
from sales.money import quantum
from sales.policy.rules import MonthRules
from sales.targets.attainment import a_year_before
from sales.vocabulary import GrainKind, PeriodKind

Record = dict[str, Any]
Part = Decimal | int
# Probabilities and chances count in ten thousandths where money is multiplied.
DIGITS_OF_A_SHARE = 4
DEAL = [
    "opportunity_id",
    "name",
    "account_name",
    "owner_id",
    "owner_name",
    "team",
    "stage_name",
    "probability_pct",
    "forecast_category",
    "amount",
    "close_date",
    "is_won",
]


class DoesNotAddUp(UserError, ArithmeticError):
    """A published figure is not what the rows behind it come to."""


@dataclass(frozen=True)
class EvidenceRow:
    """One opportunity, or one month of a person's target, and what it adds to each figure.

    `amount` is the whole deal or the annual target, `share_pct` the part that counts for the person
    of a booking; `probability_pct` is the CRM's, `chance` the calibrated one to be booked in the
    period.
    """

    record_id: str
    owner_id: str
    owner_name: str
    team: str
    adds: Mapping[str, Part]
    name: str | None = None
    account_name: str | None = None
    stage_name: str | None = None
    close_date: date | None = None
    month: str = ""
    amount: Decimal | None = None
    share_pct: Decimal | None = None
    probability_pct: float | None = None
    chance: float | None = None


@dataclass(frozen=True)
class EvidenceGroup:
    """The lines behind some figures of a row, in the order of their dates."""

    name: str
    lines: Sequence[EvidenceRow]

    def total(self, figure: str) -> Decimal:
        """Return what the lines add up to."""
        return sum((Decimal(line.adds.get(figure, 0)) for line in self.lines), Decimal(0))

    def count(self, figure: str) -> int:
        """Return how many deals the figure counts; one that several share is one."""
        return len({line.record_id for line in self.lines if line.adds.get(figure, 0)})


def period_called(calendar: FiscalCalendar, kind: str, name: str) -> Period:
    """Return the months of a period by its name in the tables, such as `2026-05`, `FY2026-Q2` or `FY2026`."""
    if kind == PeriodKind.MONTH:
        return calendar.month_period(Month.parse(name))
    year, _, quarter = name.partition("-Q")
    whole = calendar.year(int(year.removeprefix("FY")))
    first = MONTHS_IN_QUARTER * (int(quarter) - 1) if quarter else 0
    return Period(
        kind, name, whole.months[first : first + MONTHS_IN_QUARTER] if quarter else whole.months
    )


@dataclass
class Evidence:
    """The rows behind the figures of a month end; each period is gone through once."""

    snapshot: DataFrame[OpportunitySnapshot]
    booking_credit: DataFrame[BookingCredit]
    phased_targets: DataFrame[PhasedTargets]
    month: Month
    rules: MonthRules
    forecast_evidence: ForecastEvidence | None = None
    _cut: dict[tuple[str, Period | None], dict[tuple[str, str], list[EvidenceRow]]] = field(
        default_factory=dict
    )

    def targets(self, period: Period, grain: str, grain_id: str) -> EvidenceGroup:
        """Return the months of the phased targets that lie in a period."""
        return self._pile("targets", period, grain, grain_id, lambda: self._targets(period))

    def bookings(self, period: Period, grain: str, grain_id: str) -> EvidenceGroup:
        """Return who gets what of each deal that is won and closes in a period; raises `DoesNotAddUp` where shares are no whole."""
        return self._pile("bookings", period, grain, grain_id, lambda: self._bookings(period))

    def open_pipeline(self, period: Period, grain: str, grain_id: str) -> EvidenceGroup:
        """Return the deals that are open and belong to a period."""
        return self._pile("open_pipeline", period, grain, grain_id, lambda: self._open(period))

    def overdue(self, grain: str, grain_id: str) -> EvidenceGroup:
        """Return the deals that are open and whose close date has passed."""
        return self._pile("overdue", None, grain, grain_id, self._overdue)

    def booked_a_year_before(self, period: Period, grain: str, grain_id: str) -> Decimal | None:
        """Return what was booked in the same months a year before, none where the first won deal is later."""
        before = a_year_before(period)
        won = columns.to_days(booked(self.booking_credit)["close_date"])
        if not len(won) or self.rules.calendar.month_index(won).min() > before.first.index:
            return None
        return self.bookings(before, grain, grain_id).total("bookings")

    @property
    def today(self) -> date:
        """The local day that begins at the month's as-of instant."""
        return self.rules.calendar.first_day(self.month.plus(1))

    @property
    def is_overdue_counted(self) -> bool:
        """Whether policy counts overdue deals in the period that holds the as-of instant."""
        return self.rules.policy.pipeline.overdue == "current_period"

    @property
    def has_chances(self) -> bool:
        """Whether there is a forecast that gives each open deal a chance."""
        return self.forecast_evidence is not None and self.forecast_evidence.ahead is not None

    def _pile(
        self,
        name: str,
        period: Period | None,
        grain: str,
        grain_id: str,
        make: Callable[[], list[EvidenceRow]],
    ) -> EvidenceGroup:
        if (name, period) not in self._cut:
            cut: dict[tuple[str, str], list[EvidenceRow]] = {}
            for line in sorted(
                make(),
                key=lambda line: (
                    line.close_date or date.min,
                    line.month,
                    line.record_id,
                    line.owner_id,
                ),
            ):
                for key in (
                    (GrainKind.PERSON, line.owner_id),
                    (GrainKind.TEAM, line.team),
                    (GrainKind.COMPANY, ""),
                ):
                    cut.setdefault(key, []).append(line)
            self._cut[name, period] = cut
        return EvidenceGroup(
            name,
            self._cut[name, period].get(
                (grain, "" if grain == GrainKind.COMPANY else grain_id), []
            ),
        )

    def _targets(self, period: Period) -> list[EvidenceRow]:
        names = {str(month) for month in period.months}
        wanted = [
            "owner_id",
            "owner_name",
            "team",
            "month",
            "annual_target",
            "baseline_target",
            "rephased_target",
        ]
        rows = records(self.phased_targets.loc[self.phased_targets["month"].isin(names), wanted])
        return [
            EvidenceRow(
                row["owner_id"],
                row["owner_id"],
                row["owner_name"],
                row["team"],
                month=row["month"],
                amount=row["annual_target"],
                adds={"target": row["baseline_target"], "rephased_target": row["rephased_target"]},
            )
            for row in rows
        ]

    def _bookings(self, period: Period) -> list[EvidenceRow]:
        won = booked(self.booking_credit)
        credit = records(won.loc[self._closes_in(won, period)])
        deals = self._deals(columns.text(sorted({row["opportunity_id"] for row in credit})))
        shared: dict[str, Decimal] = {}
        for row in credit:
            shared[row["opportunity_id"]] = (
                shared.get(row["opportunity_id"], Decimal(0)) + row["amount"]
            )
        for deal_id, shares in shared.items():
            deal = deals.get(deal_id)
            if deal is None or not deal["is_won"] or deal["amount"] != shares:
                is_worth = (
                    "no won deal"
                    if deal is None or not deal["is_won"]
                    else f"won with {deal['amount']}"
                )
                raise DoesNotAddUp(
                    f"booking_credit of {self.month} gives away {shares} of {deal_id}, which is {is_worth} in opportunity_snapshot; "
                    f"do not use the bookings: compute the month again with `onpace report {self.month}`"
                )
        return [self._booking(row, deals[row["opportunity_id"]]) for row in credit]

    @staticmethod
    def _booking(row: Record, deal: Record) -> EvidenceRow:
        share = (
            (row["amount"] * 100 / deal["amount"]).quantize(Decimal("0.01"))
            if deal["amount"]
            else None
        )
        whom = {name: row[name] for name in ("owner_id", "owner_name", "team")}
        return _line(deal | whom, {"bookings": row["amount"]}, share_pct=share)

    def _open(self, period: Period) -> list[EvidenceRow]:
        first, last = (
            self.rules.calendar.first_day(period.first),
            self.rules.calendar.last_day(period.last),
        )
        current = self.is_overdue_counted and first <= self.today <= last
        is_inside = [
            current if deal["close_date"] < self.today else first <= deal["close_date"] <= last
            for deal in self._open_deals
        ]
        deals = [deal for deal, inside in zip(self._open_deals, is_inside, strict=True) if inside]
        evidence = self.forecast_evidence
        chances = evidence.chances(period) if evidence else dict[str, float]()
        return [self._open_line(deal, chances.get(deal["opportunity_id"], 0.0)) for deal in deals]

    def _open_line(self, deal: Record, chance: float) -> EvidenceRow:
        amount, counted = (
            deal["amount"],
            {"open_count": 1, "without_amount_count": int(deal["amount"] is None)},
        )
        whole = deal | {"amount": deal["whole"]}
        if amount is None:
            return _line(whole, counted)
        hundredths = round((deal["probability_pct"] or 0.0) * 100)
        adds: dict[str, Part] = {
            **counted,
            "open_pipeline": amount,
            "stage_weighted_pipeline": self._share(amount, hundredths),
            **{
                name: amount
                for name, called in CRM_FORECASTS.items()
                if deal["forecast_category"] in called
            },
        }
        if self.has_chances:
            adds["weighted_pipeline"] = self._share(amount, round(chance * 10**DIGITS_OF_A_SHARE))
        share = None
        if amount != deal["whole"] and deal["whole"]:
            share = (amount * 100 / deal["whole"]).quantize(Decimal("0.01"))
        return _line(whole, adds, share, chance if self.has_chances else None)

    def _overdue(self) -> list[EvidenceRow]:
        deals = [deal for deal in self._open_deals if deal["close_date"] < self.today]
        return [
            _line(
                deal | {"amount": deal["whole"]},
                {} if deal["amount"] is None else {"overdue_pipeline": deal["amount"]},
            )
            for deal in deals
        ]

    def _share(self, amount: Decimal, parts: int) -> Decimal:
        return (
            (amount * parts)
            .scaleb(-DIGITS_OF_A_SHARE)
            .quantize(quantum(self.rules.digits), ROUND_HALF_EVEN)
        )

    def _closes_in(self, table: pd.DataFrame, period: Period) -> Mask:
        first, last = (
            self.rules.calendar.first_day(period.first),
            self.rules.calendar.last_day(period.last),
        )
        days = columns.to_days(table["close_date"])
        return (days >= (first - EPOCH).days) & (days <= (last - EPOCH).days)

    @cached_property
    def _open_deals(self) -> list[Record]:
        """Return the open deals, a row for each who gets credit: with their part of the amount."""
        deals = self._deals(columns.arrow(self.snapshot["opportunity_id"]))
        opened = open_credit(self.booking_credit, self.snapshot, self.rules.digits).rows
        whose = ["opportunity_id", "owner_id", "owner_name", "team", "amount"]
        return [
            deals[row["opportunity_id"]] | {"whole": deals[row["opportunity_id"]]["amount"]} | row
            for row in records(opened[whose])
        ]

    def _deals(self, ids: pa.Array) -> dict[str, Record]:
        here = columns.codes(self.snapshot["opportunity_id"], ids) >= 0
        return {row["opportunity_id"]: row for row in records(self.snapshot.loc[here, DEAL])}


def records(table: pd.DataFrame) -> list[Record]:
    """Return rows with plain values: empty cells are None."""
    parts = {str(name): columns.arrow(table[name]).to_pylist() for name in table.columns}
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def _line(
    deal: Record,
    adds: Mapping[str, Part],
    share_pct: Decimal | None = None,
    chance: float | None = None,
) -> EvidenceRow:
    return EvidenceRow(
        deal["opportunity_id"],
        deal["owner_id"],
        deal["owner_name"],
        deal["team"],
        adds,
        deal["name"],
        deal["account_name"],
        deal["stage_name"],
        deal["close_date"],
        amount=deal["amount"],
        share_pct=share_pct,
        probability_pct=deal["probability_pct"],
        chance=chance,
    )
