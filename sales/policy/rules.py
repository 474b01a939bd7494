"""Business rules of one fiscal year, and the book that finds the rules of a month.

Put what Finance may change here, as data. Reading the files is
`connectors.policy.folder`; what a rule does is in the module it rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from babel.numbers import get_currency_precision

from sales.calendar import (
    FiscalCalendar,
    FiscalYear,
    Month,
)
from sales.periods import FiscalMonth, fiscal_periods
from sales.policy.sections import InvalidPolicy, SalesPolicy


@dataclass(frozen=True)
class CustomFields:
    """Custom fields of opportunities by what they hold; empty where policy names none."""

    amount: str = ""
    effort: str = ""
    service_start: str = ""
    service_end: str = ""
    dimension: str = ""

    @property
    def service(self) -> str:
        """The fields about delivery, as one text to compare."""
        return f"{self.effort} {self.service_start} {self.service_end}".strip()


@dataclass(frozen=True)
class OrganizationDefaults:
    """What the organisation says where a policy is silent."""

    organization_id: str
    company: str
    time_zone: str
    start_month: int
    named_by_end: bool
    currency: str
    fiscal_months: tuple[FiscalMonth, ...] = ()


@dataclass(frozen=True)
class MonthRules:
    """The rules that hold for one month, with the organisation's defaults filled in."""

    policy: SalesPolicy
    calendar: FiscalCalendar
    company: str
    currency: str
    digits: int
    source: str
    is_fallback: bool


@dataclass(frozen=True)
class PolicyBook:
    """The policies of all years, by the number in the file's name; with `until`, the month that runs at that day's midnight is open."""

    policies: dict[int, SalesPolicy]
    until: date | None = None

    def for_month(self, month: Month, organization: OrganizationDefaults) -> MonthRules:
        """Return the rules of the file whose span holds the month.

        Without one, the nearest earlier file is used, else the nearest later one, else the
        defaults. Raises `InvalidPolicy` where files do not agree about years.
        """
        years = self._years(organization)
        begun = [each for each in years if each.first <= month] or list(years[:1])
        if not begun:
            return self._rules("defaults", SalesPolicy(), organization, is_fallback=False)
        nearest = begun[-1]
        return self._rules(
            f"fy{nearest.name}.toml",
            self.policies[nearest.name],
            organization,
            is_fallback=not nearest.holds(month),
        )

    def for_fiscal_year(self, name: int, organization: OrganizationDefaults) -> MonthRules:
        """Return the rules by which a fiscal year's targets are phased."""
        if name in self.policies:
            return self._rules(
                f"fy{name}.toml", self.policies[name], organization, is_fallback=False
            )
        earlier = [year for year in self.policies if year < name]
        chosen = max(earlier) if earlier else min(self.policies, default=None)
        if chosen is None:
            return self._rules("defaults", SalesPolicy(), organization, is_fallback=False)
        return self._rules(
            f"fy{chosen}.toml", self.policies[chosen], organization, is_fallback=True
        )

    @property
    def custom_fields(self) -> CustomFields:
        """The custom fields that are read; raises `InvalidPolicy` if files name different ones for one thing."""
        policies = self.policies.values()
        return CustomFields(
            amount=_the_one("amount field", [policy.pipeline.amount_field for policy in policies]),
            effort=_the_one("effort field", [policy.clients.effort_field for policy in policies]),
            service_start=_the_one(
                "service start field", [policy.clients.service_start_field for policy in policies]
            ),
            service_end=_the_one(
                "service end field", [policy.clients.service_end_field for policy in policies]
            ),
            dimension=_the_one("dimension", [policy.pipeline.dimension for policy in policies]),
        )

    @property
    def newest(self) -> SalesPolicy:
        """The policy of the latest year, the defaults where there is none."""
        return self.policies[max(self.policies)] if self.policies else SalesPolicy()

    @property
    def time_zone(self) -> str | None:
        """The time zone of the latest policy that names one."""
        zones = [
            policy.fiscal.time_zone
            for _, policy in sorted(self.policies.items())
            if policy.fiscal.time_zone
        ]
        return zones[-1] if zones else None

    def _years(self, organization: OrganizationDefaults) -> tuple[FiscalYear, ...]:
        """Return the year of each file, in order; raises `InvalidPolicy` where two of them share a month."""
        years = sorted(
            FiscalYear.called(
                name,
                policy.fiscal.start_month or organization.start_month,
                named_by_end=_named_by_end(policy, organization),
                size=policy.fiscal.months,
            )
            for name, policy in self.policies.items()
        )
        for one, following in pairwise(years):
            if following.first < one.end or following.name <= one.name:
                raise InvalidPolicy(
                    f"fy{one.name}.toml and fy{following.name}.toml both hold {max(one.first, following.first)}: no month belongs to two fiscal years; "
                    "correct start_month or year_name, or state the short year: [fiscal] months = 3"
                )
        return tuple(years)

    def _rules(
        self,
        source: str,
        policy: SalesPolicy,
        organization: OrganizationDefaults,
        *,
        is_fallback: bool,
    ) -> MonthRules:
        currency = policy.fiscal.currency or organization.currency
        if not currency:
            raise InvalidPolicy(
                'Salesforce does not say which currency the company reports in; name it in the policy file: [fiscal] currency = "..."'
            )
        return MonthRules(
            policy=policy,
            calendar=_calendar(policy, organization, self._years(organization), self.until),
            company=policy.fiscal.company or organization.company,
            currency=currency,
            digits=get_currency_precision(currency),
            source=source,
            is_fallback=is_fallback,
        )


def _the_one(what: str, names: Iterable[str | None]) -> str:
    named = sorted({name for name in names if name})
    if len(named) > 1:
        raise InvalidPolicy(
            f"the policy files name the {what}s {', '.join(named)}; one is read: name the same field in each file"
        )
    return named[0] if named else ""


def _named_by_end(policy: SalesPolicy, organization: OrganizationDefaults) -> bool:
    named = policy.fiscal.year_name
    return organization.named_by_end if named is None else named == "end"


def _calendar(
    policy: SalesPolicy,
    organization: OrganizationDefaults,
    years: tuple[FiscalYear, ...],
    until: date | None,
) -> FiscalCalendar:
    fiscal = policy.fiscal
    start_month = fiscal.start_month or organization.start_month
    return FiscalCalendar(
        start_month=start_month,
        named_by_end=_named_by_end(policy, organization),
        time_zone=fiscal.time_zone or organization.time_zone,
        periods=fiscal_periods(organization.fiscal_months, start_month)
        if fiscal.periods == "salesforce"
        else None,
        stated=years,
        until=until,
    )
