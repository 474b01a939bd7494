"""Business rules of one fiscal year, and the book that finds the rules of a month.

Put what Finance may change here, as data. Reading the files is
`connectors.policy.folder`; what a rule does is in the module it rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from babel.numbers import get_currency_precision

from sales.calendar import (
    FiscalCalendar,
    Month,
    Period,
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
    """The policies of all years, by the number in the file's name."""

    policies: dict[int, SalesPolicy]

    def for_month(self, month: Month, organization: OrganizationDefaults) -> MonthRules:
        """Return the rules of the file whose span holds the month.

        Without one, the nearest earlier file is used, else the nearest later one, else the
        defaults.
        """
        for name, policy in sorted(self.policies.items()):
            if month in self._span(name, policy, organization).months:
                return self._rules(f"fy{name}.toml", policy, organization, is_fallback=False)
        earlier = [
            name
            for name, policy in self.policies.items()
            if self._span(name, policy, organization).last < month
        ]
        chosen = max(earlier) if earlier else min(self.policies, default=None)
        if chosen is None:
            return self._rules("defaults", SalesPolicy(), organization, is_fallback=False)
        return self._rules(
            f"fy{chosen}.toml", self.policies[chosen], organization, is_fallback=True
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

    def _span(self, name: int, policy: SalesPolicy, organization: OrganizationDefaults) -> Period:
        return _calendar(policy, organization).year(name)

    def _rules(
        self,
        source: str,
        policy: SalesPolicy,
        organization: OrganizationDefaults,
        *,
        is_fallback: bool,
    ) -> MonthRules:
        currency = policy.fiscal.currency or organization.currency
        return MonthRules(
            policy=policy,
            calendar=_calendar(policy, organization),
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


def _calendar(policy: SalesPolicy, organization: OrganizationDefaults) -> FiscalCalendar:
    fiscal = policy.fiscal
    named_by_end = (
        organization.named_by_end if fiscal.year_name is None else fiscal.year_name == "end"
    )
    start_month = fiscal.start_month or organization.start_month
    return FiscalCalendar(
        start_month=start_month,
        named_by_end=named_by_end,
        time_zone=fiscal.time_zone or organization.time_zone,
        periods=fiscal_periods(organization.fiscal_months, start_month)
        if fiscal.periods == "salesforce"
        else None,
    )
