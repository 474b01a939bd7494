"""Who sells in a year to come: by the targets of today and of that year, and by what a scenario changes.

Put here who is in a plan; what it proposes to them is `year_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from connectors.policy.annual_targets import MONTHLY_TARGETS
from publication.month_inputs import MonthInputs
from publication.target_book import SALESFORCE, target_book_of
from sales import arrow as columns
from sales.calendar import Month, Period
from sales.contracts.contract import empty
from sales.contracts.raw import RawTargets
from sales.errors import UserError
from sales.history.teams import UNASSIGNED
from sales.planning.capacity import Member
from sales.planning.scenario import PersonPlan, PlanScenario
from sales.policy.rules import MonthRules
from sales.statistics.point_in_time import Knowledge
from sales.targets.stated_plans import PlanBook

FARTHEST = 3  # years ahead


class UnplannableYear(UserError, ValueError):
    """A year that cannot be planned, or not yet."""


def refuse_begun(month: Month, fiscal_year: int, rules: MonthRules) -> None:
    """Raise `UnplannableYear` for a year that is not to come, seen from a closed month, or too far away."""
    first, farthest = (
        rules.calendar.year(fiscal_year).first,
        rules.calendar.fiscal_year(month) + FARTHEST,
    )
    if first <= month:
        raise UnplannableYear(
            f"FY{fiscal_year} began in {first}, and a plan is for a year to come; change targets of a year that runs by a revision in the target book"
        )
    if fiscal_year > farthest:
        raise UnplannableYear(
            f"FY{fiscal_year} is too far away to be planned from {month}; plan FY{farthest} at most"
        )


@dataclass(frozen=True)
class _Span:
    """When somebody sells, and by which holidays."""

    start: date | None = None
    end: date | None = None
    holidays: str = ""


def book_of_year(inputs: MonthInputs, rules: MonthRules) -> pd.DataFrame:
    """Return the target book that the rules of a year name; no rows where it does not exist yet."""
    source, folder = rules.policy.targets.source, inputs.workspace.policy_folder
    if source != SALESFORCE and not (
        (folder / source).exists() or (folder / MONTHLY_TARGETS).exists()
    ):
        return empty(RawTargets)
    one = inputs.extract
    return target_book_of(rules, folder, one.users, one.roles, one.quotas)


@dataclass(frozen=True)
class PlanMembers:
    """Who sells in a year by what is known at a month end; `rules` and `months` are those of the year."""

    inputs: MonthInputs
    rules: MonthRules
    fiscal_year: int
    months: Period
    known: Knowledge
    plans: PlanBook

    @cached_property
    def _first_day(self) -> date:
        return self.rules.calendar.first_day(self.months.first)

    @cached_property
    def _last_day(self) -> date:
        return self.rules.calendar.last_day(self.months.last)

    @cached_property
    def today(self) -> tuple[list[Member], list[Member], list[str]]:
        """Return who sells in the year, who sells today and not then, and the names of those who cannot log in any more."""
        people = self.inputs.people
        row_of = {each: row for row, each in enumerate(people.ids.to_pylist())}
        stay, leave, out = list[Member](), list[Member](), list[str]()
        for owner_id, span in sorted(self._sellers().items()):
            row = row_of.get(owner_id)
            if row is None or not people.is_person[row]:
                continue
            member = self._member(
                owner_id, people.names[row].as_py(), people.teams[row].as_py(), span
            )
            if not people.is_active[row]:
                out.append(member.name)
            elif member.end is not None and member.end < self._first_day:
                leave.append(member)
            else:
                stay.append(member)
        return stay, leave, out

    def _sellers(self) -> dict[str, _Span]:
        """Return when those sell who have a target today or in the year, by the latter where there is one; else who has won a deal lately."""
        inputs, found = self.inputs, dict[str, _Span]()
        today = inputs.rules.calendar.fiscal_year(inputs.month)
        last_day = inputs.rules.calendar.last_day(inputs.month)
        for each in inputs.targets_in_force()[inputs.month]:
            has_left = each.end is not None and each.end <= last_day
            if each.fiscal_year == today and not has_left:
                found[each.owner_id] = _Span(each.start, each.end, each.holidays)
        # A line of the year may take effect only when it begins.
        lines = sorted(columns.rows(self._book), key=lambda row: row["revision"])
        for row in lines:
            if row["fiscal_year"] == self.fiscal_year:
                found[row["owner_id"]] = _Span(
                    row["start_date"], row["end_date"], row["holidays"] or ""
                )
        return found or {owner: _Span() for owner in self.lately}

    @cached_property
    def _book(self) -> pd.DataFrame:
        """The target book of the year's policy; no rows where there is none yet."""
        return book_of_year(self.inputs, self.rules)

    def _member(self, owner_id: str, name: str, team: str, span: _Span) -> Member:
        month, calendar = self.inputs.month, self.rules.calendar
        return Member(
            owner_id,
            name,
            team,
            span.start,
            span.end,
            span.holidays,
            leaves=tuple(self.plans.leaves_of(owner_id)),
            sells_today=span.start is None or calendar.month_of(span.start) <= month,
        )

    def changed(
        self, name: str, scenario: PlanScenario, changes: Mapping[str, PersonPlan]
    ) -> tuple[list[Member], list[Member]]:
        """Return who sells in the year by a scenario, and who sells today and not then."""
        first_day, last_day = self._first_day, self._last_day
        stay, leave, _ = self.today
        known = {each.member_id: each for each in (*stay, *leave)}
        if unknown := sorted(set(changes) - set(known)):
            named = changes[unknown[0]].owner
            raise UnplannableYear(
                f"plan/{name}.toml: {named[:80]!r} has no target today and none in FY{self.fiscal_year}; name them as a seat, with the day on which they start"
            )
        members, leaving = list[Member](), list[Member]()
        for member_id, member in known.items():
            change = changes.get(member_id)
            after = member if change is None else _with(member, change, name)
            if after.start is not None and after.start > last_day:
                continue
            is_away = after.end is not None and after.end < first_day
            (leaving if is_away else members).append(after)
        for seat in scenario.seats:
            if (seat.start_date or date.min) > last_day or (seat.end_date or date.max) < first_day:
                raise UnplannableYear(
                    f"plan/{name}.toml: {seat.name!r} does not sell in FY{self.fiscal_year}; correct its start_date or end_date"
                )
            members.append(
                Member(
                    # No record has a blank in its id.
                    f"seat {seat.name}",
                    seat.name,
                    seat.team or UNASSIGNED,
                    seat.start_date,
                    seat.end_date,
                    seat.holidays,
                    Fraction(seat.share),
                    sells_today=False,
                    is_seat=True,
                )
            )
        if not members:
            raise UnplannableYear(
                f"nobody sells in FY{self.fiscal_year}: nobody has a target today who stays; name seats in plan/{name}.toml"
            )
        return members, leaving

    @cached_property
    def lately(self) -> dict[str, int]:
        """Return what each person booked in the last twelve months."""
        known = self.known
        bookings = known.bookings
        here = (bookings.month > known.month - 12) & (bookings.month <= known.month)
        owners = known.owner_ids.to_pylist()
        total = columns.total_by(
            bookings.owner[here], bookings.amount[here].astype(np.float64), len(owners)
        )
        return {
            owner: round(float(amount))
            for owner, amount in zip(owners, total, strict=True)
            if amount > 0
        }


def _with(member: Member, change: PersonPlan, name: str) -> Member:
    start, end = change.start_date or member.start, change.end_date or member.end
    if start is not None and end is not None and end < start:
        raise UnplannableYear(
            f"plan/{name}.toml: {change.owner[:80]!r} would end on {end}, before the start on {start}; correct one of them"
        )
    return replace(member, start=start, end=end, share=Fraction(change.share))
