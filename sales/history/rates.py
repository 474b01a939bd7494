"""Conversion rates of an extract: which one holds for a currency on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import cast

import pandas as pd

from sales import arrow as columns
from sales.money import MissingRate


class Rates:
    """Conversion rates by currency: dated ones first, the static one where none is dated."""

    def __init__(
        self, rates: pd.DataFrame, corporate: str, planned: Mapping[str, Decimal] | None = None
    ) -> None:
        """Index the rates of an extract, of which the corporate currency has none: its own is one.

        A `planned` rate of a currency is for one of the currency that is converted into, whatever
        the day.
        """
        self._planned = dict(planned or {})
        self._rates: dict[str, list[tuple[date | None, date | None, Decimal]]] = {
            corporate: [(None, None, Decimal(1))]
        }
        for row in columns.rows(rates):
            start, end = row["start_date"], row["next_start_date"]
            dated = (
                start if isinstance(start, date) else None,
                end if isinstance(end, date) else None,
                cast("Decimal", row["rate"]),
            )
            self._rates.setdefault(str(row["currency_code"]), []).append(dated)

    def converted(self, amount: Decimal, code: str, into: str, day: date, record: str) -> Decimal:
        """Return an amount in another currency, by the plan's rate where there is one; raises `MissingRate`."""
        if code in self._planned:
            return amount / self._planned[code]
        return amount * self.rate(into, day, record) / self.rate(code, day, record)

    def rate(self, code: str, day: date, record: str) -> Decimal:
        """Return units of the currency per corporate unit; raises `MissingRate`."""
        known = self._rates.get(code, [])
        for start, end, rate in known:
            if start is not None and start <= day and (end is None or day < end) and rate > 0:
                return rate
        for start, _, rate in known:
            if start is None and rate > 0:
                return rate
        raise MissingRate(
            f"{record}: no {code} rate for {day}; add it in Salesforce under Manage Currencies"
        )
