"""A generated firm with a long past, for tests of what is to come: every table of one of its month ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache

import pandas as pd

from benchmarks.simulated import SimulatedFirm, simulated_firm
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.history import MonthlyBookings
from sales.contracts.raw import RawTargets
from sales.coverage import coverage
from sales.coverage.deal_chances import deal_chances, forecast_basis_of
from sales.forecast import actions as orders
from sales.forecast import backtest as track_record
from sales.forecast import client_phasing as clients
from sales.forecast import closing_plan as closing
from sales.forecast import coming_month as numbers
from sales.forecast import generation
from sales.forecast import landing_forecast as forecast
from sales.forecast import phasing_check as catch_up
from sales.forecast import source_attainment as sources
from sales.forecast.action_facts import ActionFacts
from sales.forecast.calls import forecast_calls
from sales.forecast.client_agreements import client_agreements
from sales.forecast.delivery_load import account_load, delivery_load
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.history.extract import Extract, People, people
from sales.history.reconstruction import PipelineHistory
from sales.policy.reading import parse_policy
from sales.policy.rules import MonthRules, PolicyBook
from sales.statistics import close_dates as confirmation
from sales.statistics.deal_outcomes import ForecastBasis, forecast_basis
from sales.statistics.point_in_time import Knowledge, PointInTimeData
from sales.targets import annual_targets, rephasing
from sales.targets import phased_targets as targets
from sales.targets.stated_plans import NO_PLANS, PlanBook, StatedCall
from tests.fakes import frame, no_rates

MONTH = Month(2023, 8)


@lru_cache(maxsize=4)
def simulated(deals_a_year: int = 150, seed: int = 3) -> SimulatedFirm:
    """Return a generated firm."""
    return simulated_firm(deals_a_year, seed)


@dataclass(frozen=True)
class FirmMonth:
    """One month end of an extract, with targets for everybody; tables are made when asked for."""

    extract: Extract
    month: Month = MONTH
    annual_target: int = 600_000
    policy: str = ""

    @cached_property
    def policies(self) -> PolicyBook:
        return PolicyBook({2021: parse_policy(self.policy, "fy2021.toml")})

    @cached_property
    def rules(self) -> MonthRules:
        return self.policies.for_month(self.month, self.extract.defaults)

    @cached_property
    def history(self) -> PipelineHistory:
        dimension = self.rules.policy.pipeline.dimension or ""
        return PipelineHistory(self.extract, "USD", 2, dimension=dimension)

    @cached_property
    def point_in_time(self) -> PointInTimeData:
        return PointInTimeData(self.history, self.month, self.rules)

    @cached_property
    def known(self) -> Knowledge:
        return self.point_in_time.known_at(self.month.index)

    @cached_property
    def chances(self) -> pd.DataFrame:
        learned = forecast_basis(self.known)
        return deal_chances(learned, self.month, self.rules, self.extract.extracted_at)

    @cached_property
    def forecast_basis(self) -> ForecastBasis:
        return forecast_basis_of(self.known, self.chances)

    @cached_property
    def owners(self) -> People:
        return people(self.extract, "role")

    @cached_property
    def book(self) -> pd.DataFrame:
        owners = columns.arrow(self.extract.users["user_id"]).to_pylist()
        rows = [
            {
                "fiscal_year": year,
                "owner_id": owner,
                "annual_target": Decimal(self.annual_target),
                "revision": 1,
                "effective_date": date(year - 1, 12, 1),
            }
            for year in range(2020, 2026)
            for owner in owners
        ]
        return frame(RawTargets, rows)

    def targets_at(self, origin: Month) -> pd.DataFrame:
        in_force = annual_targets.in_force(
            self.book, no_rates, origin, self.policies, self.extract.defaults
        )
        blank = empty(MonthlyBookings)
        return targets.phased_targets(
            {origin: in_force},
            blank,
            self.owners,
            origin,
            self.policies,
            self.extract.defaults,
            self.extract.extracted_at,
        )

    @cached_property
    def phased(self) -> pd.DataFrame:
        return self.targets_at(self.month)

    @cached_property
    def snapshot(self) -> pd.DataFrame:
        return snapshot.opportunity_snapshot(self.history, self.month, self.rules)

    @cached_property
    def credit(self) -> pd.DataFrame:
        return credit.booking_credit(
            self.snapshot, self.extract, self.owners, self.month, self.rules
        )

    @cached_property
    def landing(self) -> pd.DataFrame:
        return forecast.landing_forecast(
            self.forecast_basis, self.snapshot, self.credit, self.phased, self.month, self.rules
        )

    @cached_property
    def coverage(self) -> pd.DataFrame:
        return coverage.pipeline_coverage(
            self.snapshot, self.credit, self.phased, self.month, self.rules, self.forecast_basis
        )

    @cached_property
    def closing(self) -> pd.DataFrame:
        score = confirmation.close_date_score(self.point_in_time, self.month.index)
        of_plan = closing.plan_forecast(
            self.forecast_basis,
            score,
            self.snapshot,
            self.credit,
            self.phased,
            self.month,
            self.rules,
        )
        return closing.closing_plan(self.snapshot, self.month, self.rules, of_plan)

    @cached_property
    def clients(self) -> pd.DataFrame:
        return clients.client_phasing(self.snapshot, self.forecast_basis, self.month, self.rules)

    def load(self, book: PlanBook = NO_PLANS) -> pd.DataFrame:
        return delivery_load(
            self.snapshot,
            self.forecast_basis,
            book,
            self.month,
            self.rules,
            self.extract.extracted_at,
        )

    def account_load(self, book: PlanBook = NO_PLANS) -> pd.DataFrame:
        return account_load(
            self.snapshot,
            self.forecast_basis,
            book,
            self.month,
            self.rules,
            self.extract.extracted_at,
        )

    def agreements(self, book: PlanBook = NO_PLANS) -> pd.DataFrame:
        return client_agreements(
            self.snapshot, book.agreements, self.month, self.rules, self.extract.extracted_at
        )

    @cached_property
    def generation(self) -> pd.DataFrame:
        return generation.pipeline_generation(
            self.forecast_basis, self.phased, self.month, self.rules, self.extract.extracted_at
        )

    @cached_property
    def coming(self) -> pd.DataFrame:
        return numbers.coming_month(
            self.forecast_basis, self.snapshot, self.credit, self.phased, self.month, self.rules
        )

    @cached_property
    def sources(self) -> pd.DataFrame:
        return sources.source_attainment(
            self.generation, self.month, self.rules, self.extract.extracted_at
        )

    @cached_property
    def actions(self) -> pd.DataFrame:
        facts = ActionFacts(
            self.snapshot,
            self.credit,
            self.phased,
            self.coming,
            self.chances,
            self.closing,
            self.coverage,
            self.generation,
            self.load(),
            self.agreements(),
            self.owners,
        )
        return orders.actions(facts, self.month, self.rules)

    @cached_property
    def record(self) -> pd.DataFrame:
        return track_record.track_record(
            self.point_in_time,
            self.month,
            self.rules,
            self.owners,
            self.targets_at,
            self.extract.extracted_at,
        )

    def calls(self, said: Sequence[StatedCall] = ()) -> pd.DataFrame:
        return forecast_calls(
            said,
            self.credit,  # type: ignore[arg-type]
            self.landing,  # type: ignore[arg-type]
            self.owners,
            self.month,
            self.rules,
            self.extract.extracted_at,
        )

    @cached_property
    def plans(self) -> list[rephasing.Plan]:
        in_force = annual_targets.in_force(
            self.book, no_rates, self.month, self.policies, self.extract.defaults
        )
        return [targets.plan(each, self.rules) for each in in_force]

    @cached_property
    def phasing_check(self) -> pd.DataFrame:
        return catch_up.phasing_check(
            self.plans,
            self.known,
            self.owners,
            self.month,
            self.policies,
            self.extract.defaults,
            self.extract.extracted_at,
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table that looks ahead or back on forecasts."""
        return {
            "landing_forecast": self.landing,
            "pipeline_coverage": self.coverage,
            "closing_plan": self.closing,
            "client_phasing": self.clients,
            "client_agreements": self.agreements(),
            "delivery_load": self.load(),
            "account_load": self.account_load(),
            "pipeline_generation": self.generation,
            "coming_month": self.coming,
            "source_attainment": self.sources,
            "actions": self.actions,
            "forecast_track_record": self.record,
            "phasing_check": self.phasing_check,
        }


@lru_cache(maxsize=4)
def firm_month(deals_a_year: int = 150, seed: int = 3) -> FirmMonth:
    """Return a month end of a generated firm; tests share it and change nothing."""
    return FirmMonth(simulated(deals_a_year, seed).extract)
