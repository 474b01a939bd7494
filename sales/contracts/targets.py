"""Tables of the group targets: the annual number as twelve, and bookings against it."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

import numpy as np
import pandas as pd

from sales import arrow as columns
from sales.contracts import fields
from sales.contracts.contract import (
    Amount,
    Contract,
    Count,
    Flag,
    Instant,
    Number,
    Text,
    field,
    law,
    optional,
)
from sales.contracts.laws import are_filled_where, is_complete
from sales.vocabulary import MONTH, GrainKind, PeriodKind, TargetStatus, words


class PhasedTargets(Contract):
    """Each annual target over twelve months: the plan, and what the months left must bring."""

    fiscal_year: Count = fields.fiscal_year()
    owner_id: Text = fields.owner_id()
    month: Text = fields.month()
    revision: Count = field("Revision of the target that is in force")
    annual_target: Amount = field("Target for the year that the months sum to")
    weight: Number = field("Weight of the month in the phasing", ge=0)
    baseline_target: Amount = field("The month's share of the annual target")
    rephased_target: Amount = field("The month's share after what was missed so far")
    at_risk: Amount = field("What no remaining month can take; on the last month's row")
    ahead: Amount = field("Bookings beyond the plan to date; on the last month's row")
    team: Text = fields.team()
    owner_name: Text = fields.owner_name()
    stated_target: Amount = field("Target as stated, before proration")
    as_of_month: Text = field("Month whose report this is", str_matches=MONTH)
    is_fixed: Flag = field("The month's share is fixed by overrides.csv")
    season_evidence: Number = optional(
        "Weight of what was seen in a seasonal phasing, 0-1; the rest is even. Empty with another method",
        in_range={"min_value": 0, "max_value": 1},
    )
    season_deals: Count = optional("Won deals that the season rests on")
    team_id: Text = fields.team_id()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an owner and month."""

        unique = ["fiscal_year", "owner_id", "month"]


class TargetAttainment(Contract):
    """Bookings against target: month, quarter to date, year to date."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    period_kind: Text = field("Month, quarter or year, to date", isin=words(PeriodKind))
    period: Text = fields.period()
    target: Amount = field("Phased target of the months so far")
    rephased_target: Amount = field("Re-phased target of the months so far")
    bookings: Amount = field("Won amount with close date in the months so far")
    variance: Amount = field("Bookings less target")
    attainment_pct: Number = optional("Bookings in percent of target; empty when the target is 0")
    status: Text = fields.status()
    last_year: Amount = optional(
        "Bookings of the same months a year before, as known now; empty where the first won deal is later"
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def every_id_has_every_period(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """A person, a team and the company have a row for each period."""
        return is_complete(table)

    @law
    def percent_where_there_is_a_target(cls, table: pd.DataFrame) -> bool:  # noqa: N805
        """Attainment is there where a target is."""
        has_target = np.asarray(columns.arrow(table["status"])) != TargetStatus.NO_TARGET.value
        return are_filled_where(table, ["attainment_pct"], has_target)

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class ComingMonth(Contract):
    """The number of the coming month: a person's own, and that of a team and the company by their own sums."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    month: Text = field("The month after the month end", str_matches=MONTH)
    baseline_target: Amount = field("Phased target of the month")
    number: Amount = field(
        "The month's target after what is missing of its year so far: of a team and the company by their own sums, so that one person's surplus covers another's miss"
    )
    people_sum: Amount = field("Sum of the numbers of its people")
    at_risk: Amount = field("What is missing and fits into no month left of the year")
    ahead: Amount = field("Bookings beyond the plan of the year so far")
    last_year: Amount = optional(
        "Bookings of the same month a year before; empty where history begins later"
    )
    hit_probability: Number = optional(
        "Chance that the month's bookings reach the number; empty without a number or with too little history",
        in_range={"min_value": 0, "max_value": 1},
    )
    team_id: Text = fields.team_id()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def nothing_is_missing_and_ahead(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """Who is ahead has nothing at risk."""
        pairs = zip(table["at_risk"], table["ahead"], strict=True)
        return all(
            at_risk >= 0 and ahead >= 0 and not (at_risk and ahead) for at_risk, ahead in pairs
        )

    class Config(Contract.Config):
        """One row a grain."""

        unique = ["grain", "grain_id"]


class PhasingCheck(Contract):
    """Whether a phasing leaves a person who misses the first two months a year within reach."""

    as_of_month: Text = fields.as_of_month()
    fiscal_year: Count = fields.fiscal_year()
    owner_id: Text = fields.owner_id()
    annual_target: Amount = field("Target for the year")
    first_two: Amount = field("Baseline of the first two selling months")
    usual_miss: Amount = optional(
        "What is missing after two months that fall short by one usual spread; empty with too little history"
    )
    at_risk: Amount = optional("What of it fits into no month that is left under the cap")
    reach_after_miss: Number = optional(
        "Chance to reach the year after that miss, for someone who books the target in a usual year",
        in_range={"min_value": 0, "max_value": 1},
    )
    catch_up_chance: Number = optional(
        "Chance that what is missing after two missed months fits under the cap",
        in_range={"min_value": 0, "max_value": 1},
    )
    floor: Number = field("Chance that policy asks for")
    keeps_floor: Flag = optional("Whether the chance is at or above the floor")
    proposed_weights: Text = optional(
        "Twelve weights nearest to today's that keep the floor; empty where today's do"
    )
    owner_name: Text = fields.owner_name()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an owner and year."""

        unique = ["fiscal_year", "owner_id"]


class TargetPadding(Contract):
    """What is assigned to people beside what teams and the company state for themselves: over-assignment in plain sight."""

    as_of_month: Text = fields.as_of_month()
    fiscal_year: Count = fields.fiscal_year()
    grain: Text = field("Team or company", isin=[GrainKind.TEAM.value, GrainKind.COMPANY.value])
    grain_id: Text = field("Team's or company's name")
    assigned: Amount = field("Sum of the annual targets of its people")
    stated: Amount = optional("Its own number in team_targets.csv; empty where none is stated")
    padding: Amount = optional("Assigned less stated")
    padding_pct: Number = optional("Padding in percent of stated")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a team and year."""

        unique = ["fiscal_year", "grain", "grain_id"]


class BottomUpPlan(Contract):
    """The company's year from below: the sum of client plans beside the phased target."""

    as_of_month: Text = field("Month whose report this is", str_matches=MONTH)
    month: Text = field("Month of the fiscal year", str_matches=MONTH)
    baseline_target: Amount = field("Phased target of all people")
    client_plans: Amount = optional("Sum of the plans of clients; empty without client_plans.csv")
    difference: Amount = optional("Client plans less target")
    bookings: Amount = field("Booked in the month, as known now")
    expected: Amount = optional(
        "Expected from open deals; empty for months that are over or with too little history"
    )
    agreed: Amount = field("What retainers and framework agreements bring in the month")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a month."""

        unique = ["month"]
