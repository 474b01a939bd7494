"""The month's tables cut by person, team and company: what one document looks up.

Put lookups here; what is said of them is in `month_end`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import cast

import pandas as pd

from reports.document.deal_tables import DealTables
from reports.document.last_report import LastReport
from reports.document.month_tables import MonthTables, Record, records
from reports.document.work_tables import WorkTables
from sales.calendar import Month
from sales.forecast.backtest import Score, scores
from sales.history.teams import UNASSIGNED
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind, PeriodKind


@dataclass(frozen=True)
class PlannedMonth:
    """One month of a plan: baseline, re-phased, and what was booked."""

    month: Month
    baseline: Decimal
    rephased: Decimal
    booked: Decimal


class GrainTables:
    """Lookups over the tables of one month, each built once."""

    def __init__(
        self,
        tables: MonthTables,
        month: Month,
        rules: MonthRules,
        last: LastReport | None = None,
    ) -> None:
        """Keep the tables, and the report of the month before where there is one; nothing is computed until it is asked for."""
        self.tables, self.month, self.rules, self.last = tables, month, rules, last

    @property
    def focus_quarter(self) -> str:
        """The quarter that holds the month, or the next one where the month ends it."""
        current = self.rules.calendar.quarter_of(self.month)
        return (
            self.rules.calendar.quarter_of(self.month.plus(1))
            if current.last == self.month
            else current
        ).name

    def active_people(self, team: str | None = None) -> list[str]:
        """Return people with a target, bookings this year or open pipeline, by id; of one team if named."""
        return [each for each in self._active if team is None or self.team_of_person(each) == team]

    def active_teams(self) -> list[str]:
        """Return the teams of active people, by name."""
        return sorted({self.team_of_person(each) for each in self._active})

    def name_of_person(self, person: str) -> str:
        """Return a person's name."""
        return self._owners.get(person, (person, UNASSIGNED))[0]

    def team_of_person(self, person: str) -> str:
        """Return a person's team."""
        return self._owners.get(person, (person, UNASSIGNED))[1]

    def name_of(self, grain: str, grain_id: str) -> str:
        """Return the name of a person, a team or the company."""
        return self.name_of_person(grain_id) if grain == GrainKind.PERSON else grain_id

    def past_forecasts(self, grain: str, grain_id: str) -> list[Record]:
        """Return earlier forecasts and what came."""
        return self._past_forecasts.get((grain, grain_id), [])

    def attained(self, grain: str, grain_id: str) -> dict[str, Record]:
        """Return attainment by period kind."""
        return self._attainment[grain, grain_id]

    def coverage(self, grain: str, grain_id: str) -> list[Record]:
        """Return coverage rows: quarters in order, then the year."""
        return self._coverage[grain, grain_id]

    def landings(self, grain: str, grain_id: str) -> list[Record]:
        """Return landing rows: the month to come, quarters in order, then the year; none for who appears in no forecast."""
        return self._landings.get((grain, grain_id), [])

    @cached_property
    def scores(self) -> list[Score]:
        """How past forecasts did."""
        return scores(self.tables.forecast_track_record)

    def client_months(self) -> dict[tuple[str, str], tuple[Decimal, Decimal | None]]:
        """Return what each client booked and is expected to bring in a month."""
        return {
            (row["account_id"], row["month"]): (row["bookings"], row["expected"])
            for row in self.client_rows
        }

    def account_name(self, account_id: str) -> str:
        """Return a client's name, or its id where it has none."""
        return self._account_names.get(account_id) or account_id

    def padding(self) -> list[Record]:
        """Return assigned and stated targets of the fiscal year, the company's first."""
        year = self.rules.calendar.fiscal_year(self.month)
        rows = [row for row in records(self.tables.target_padding) if row["fiscal_year"] == year]
        return sorted(rows, key=lambda row: (row["grain"] != GrainKind.COMPANY, row["grain_id"]))

    def bottom_up(self) -> list[Record]:
        """Return the year from below, by month."""
        return records(self.tables.bottom_up_plan)

    def phasing_check(self, person: str) -> Record | None:
        """Return whether a person's phasing forgives two bad months, none without a target."""
        year = self.rules.calendar.fiscal_year(self.month)
        return self._checks.get((year, person))

    def movement(self, grain: str, grain_id: str) -> list[Record]:
        """Return movement rows: quarters in order, then the year."""
        return self._movement.get((grain, grain_id), [])

    def plan(self, grain: str, grain_id: str) -> list[PlannedMonth]:
        """Return the twelve months of the fiscal year."""
        planned, booked = self._planned, self._booked
        people = self._members(grain, grain_id)
        zero = Decimal(0)
        result: list[PlannedMonth] = []
        for month in self.rules.calendar.year_of(self.month).months:
            mine = [planned[key] for person in people if (key := (person, str(month))) in planned]
            result.append(
                PlannedMonth(
                    month,
                    sum((baseline for baseline, _ in mine), zero),
                    sum((rephased for _, rephased in mine), zero),
                    sum((booked.get((person, str(month)), zero) for person in people), zero),
                )
            )
        return result

    def at_risk(self, person: str) -> Decimal:
        """Return what of a person's year no remaining month can take."""
        return self._at_risk.get(person, Decimal(0))

    @cached_property
    def deals(self) -> DealTables:
        """The deals of the month, by who has them."""
        return DealTables(self.tables)

    def stages(self, grain: str, grain_id: str) -> list[Record]:
        """Return open pipeline by stage, in the order of the sales process."""
        return self._stages.get((grain, grain_id), [])

    def decided(self, grain: str, grain_id: str) -> list[Record]:
        """Return what was won and lost by quarter and kind of client, the earliest quarter first."""
        return self._decided.get((grain, grain_id), [])

    def breakdown(self, grain: str, grain_id: str) -> list[Record]:
        """Return bookings and open pipeline by value of the dimension that policy names."""
        return self._breakdown.get((grain, grain_id), [])

    @cached_property
    def work(self) -> WorkTables:
        """The work of the months to come, and what it is held against."""
        return WorkTables(self.tables)

    def coming(self, grain: str, grain_id: str) -> Record | None:
        """Return the coming month's number, none for who appears in no forecast."""
        return self._coming.get((grain, grain_id))

    def actions(self, grain: str, grain_id: str) -> list[Record]:
        """Return what a reader is asked to do, the most money at stake first."""
        return sorted(self._actions.get((grain, grain_id), []), key=lambda row: row["rank"])

    def sources(self) -> list[Record]:
        """Return new pipeline by who owns its source, and kind of period."""
        return records(self.tables.source_attainment)

    def source_owners(self) -> list[str]:
        """Return who owns lead sources by policy and is held to something, by name; none where policy names nobody."""
        held = {row["source_owner"] for row in self.sources()}
        return sorted({each.owner for each in self.rules.policy.sources.values()} & held)

    def sources_of(self, owner: str) -> list[str]:
        """Return the lead sources of an owner, by name."""
        stated = self.rules.policy.sources
        return sorted(name for name, each in stated.items() if each.owner == owner)

    def generation(self) -> list[Record]:
        """Return new pipeline by lead source and month."""
        return self._generation

    def calls(self) -> list[Record]:
        """Return what people called."""
        return records(self.tables.forecast_calls)

    def findings(self) -> list[tuple[str, str, int, Decimal | None]]:
        """Return findings with weight, number of records and money, the heaviest first."""
        weights = {"error": 0, "warning": 1, "info": 2}
        groups = self.tables.data_quality.groupby(["finding", "severity"], observed=True, sort=True)
        rows: list[tuple[str, str, int, Decimal | None]] = []
        for key, group in groups:
            finding, severity = cast("tuple[str, str]", key)
            amounts = [each for each in group["amount"].tolist() if isinstance(each, Decimal)]
            rows.append(
                (finding, severity, len(group), sum(amounts, Decimal(0)) if amounts else None)
            )
        return sorted(rows, key=lambda row: (weights[row[1]], row[0]))

    def to_put_right(self) -> list[Record]:
        """Return the findings that mislead, a row a record, errors before warnings and the most money first."""
        return self._misleading

    @cached_property
    def _misleading(self) -> list[Record]:
        rows = records(self.tables.data_quality)
        misleading = [row for row in rows if row["severity"] in {"error", "warning"}]
        return sorted(
            misleading,
            key=lambda row: (
                row["severity"] != "error",
                -abs(row["amount"] or 0),
                row["finding"],
                row["record_id"],
            ),
        )

    def without_target_yet(self) -> list[str]:
        """Return the names of people whose targets take effect only after the month end."""
        rows = self.tables.data_quality
        names = rows.loc[rows["finding"] == "target_not_in_force", "owner_name"]
        return sorted(str(name) for name in names)

    @cached_property
    def _owners(self) -> dict[str, tuple[str, str]]:
        parts = [
            self.tables.opportunity_snapshot,
            self.tables.phased_targets,
            self.tables.booking_credit,
        ]
        rows = pd.concat(
            [part[["owner_id", "owner_name", "team"]] for part in parts]
        ).drop_duplicates("owner_id")
        return {owner: (name, team) for owner, name, team in rows.itertuples(index=False)}

    @cached_property
    def _team_of(self) -> dict[str, str]:
        return {owner: team for owner, (_, team) in self._owners.items()}

    @cached_property
    def _active(self) -> list[str]:
        year = self.rules.calendar.fiscal_year(self.month)
        with_target = self.tables.phased_targets.loc[
            self.tables.phased_targets["fiscal_year"] == year, "owner_id"
        ]
        coverage = self.tables.pipeline_coverage
        busy = (
            (coverage["bookings"] != 0)
            | (coverage["open_pipeline"] != 0)
            | (coverage["overdue_pipeline"] != 0)
        )
        working = coverage.loc[(coverage["grain"] == GrainKind.PERSON) & busy, "grain_id"]
        return sorted({*with_target.tolist(), *working.tolist()})

    @cached_property
    def _attainment(self) -> dict[tuple[str, str], dict[str, Record]]:
        found: dict[tuple[str, str], dict[str, Record]] = {}
        for row in records(self.tables.target_attainment):
            found.setdefault((row["grain"], row["grain_id"]), {})[row["period_kind"]] = row
        return found

    @cached_property
    def _coverage(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.pipeline_coverage)

    @cached_property
    def _movement(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.pipeline_movement)

    @cached_property
    def _landings(self) -> dict[tuple[str, str], list[Record]]:
        order = {kind.value: place for place, kind in enumerate(PeriodKind)}
        found = _by_grain(self.tables.landing_forecast)
        return {
            key: sorted(rows, key=lambda row: (order[row["period_kind"]], row["period"]))
            for key, rows in found.items()
        }

    @cached_property
    def client_rows(self) -> list[Record]:
        """What clients bring by month."""
        return records(self.tables.client_phasing)

    @cached_property
    def _account_names(self) -> dict[str, str]:
        return {row["account_id"]: row["account_name"] for row in self.client_rows}

    @cached_property
    def _generation(self) -> list[Record]:
        return records(self.tables.pipeline_generation)

    @cached_property
    def _checks(self) -> dict[tuple[int, str], Record]:
        return {
            (row["fiscal_year"], row["owner_id"]): row for row in records(self.tables.phasing_check)
        }

    @cached_property
    def _planned(self) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
        rows = self.tables.phased_targets[
            ["owner_id", "month", "baseline_target", "rephased_target"]
        ]
        return {
            (owner, month): (baseline, rephased)
            for owner, month, baseline, rephased in rows.itertuples(index=False)
        }

    @cached_property
    def _booked(self) -> dict[tuple[str, str], Decimal]:
        bookings = self.tables.monthly_bookings
        known = bookings.loc[
            bookings["known_month"] == str(self.month), ["owner_id", "month", "bookings"]
        ]
        return {(owner, month): amount for owner, month, amount in known.itertuples(index=False)}

    @cached_property
    def _at_risk(self) -> dict[str, Decimal]:
        year = self.rules.calendar.fiscal_year(self.month)
        rows = self.tables.phased_targets
        rows = rows.loc[(rows["fiscal_year"] == year) & (rows["at_risk"] != 0)]
        return dict(zip(rows["owner_id"].tolist(), rows["at_risk"].tolist(), strict=True))

    @cached_property
    def _coming(self) -> dict[tuple[str, str], Record]:
        rows = records(self.tables.coming_month)
        return {(row["grain"], row["grain_id"]): row for row in rows}

    @cached_property
    def _stages(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.pipeline_stages)

    @cached_property
    def _decided(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.decided_deals)

    @cached_property
    def _breakdown(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.dimension_breakdown)

    @cached_property
    def _actions(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.actions)

    @cached_property
    def _past_forecasts(self) -> dict[tuple[str, str], list[Record]]:
        return _by_grain(self.tables.forecast_track_record)

    @cached_property
    def _people_of(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for owner, team in self._team_of.items():
            found.setdefault((GrainKind.TEAM.value, team), []).append(owner)
        return found

    def _members(self, grain: str, grain_id: str) -> list[str]:
        if grain == GrainKind.PERSON:
            return [grain_id]
        return (
            list(self._team_of)
            if grain == GrainKind.COMPANY
            else self._people_of.get((grain, grain_id), [])
        )


def _by_grain(table: pd.DataFrame) -> dict[tuple[str, str], list[Record]]:
    found: dict[tuple[str, str], list[Record]] = {}
    for row in records(table):
        found.setdefault((row["grain"], row["grain_id"]), []).append(row)
    return found
