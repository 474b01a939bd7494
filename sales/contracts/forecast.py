"""Tables of the group forecast: where periods land, when deals close, and how good earlier forecasts were."""
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
    Day,
    Flag,
    Instant,
    Number,
    Text,
    field,
    law,
    optional,
)
from sales.contracts.laws import are_filled_where, is_complete, is_filled
from sales.vocabulary import MONTH, ActionOutcome, ActionRule, Band, PeriodKind, words


class LandingForecast(Contract):
    """Where each period lands: booked, open and not yet created, as a distribution, with the chance to reach the target."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    period_kind: Text = field("The month to come, quarters, and the year", isin=words(PeriodKind))
    period: Text = fields.period()
    bookings: Amount = field("Booked in the period so far")
    p10: Amount = optional(
        "Landing that is missed with a chance of one in ten; empty where there is too little history"
    )
    p50: Amount = optional("Landing that is as likely missed as passed")
    p90: Amount = optional("Landing that is passed with a chance of one in ten")
    target: Amount = fields.target()
    hit_probability: Number = optional(
        "Chance to reach the target; empty without a target or with too little history",
        in_range={"min_value": 0, "max_value": 1},
    )
    band: Text = optional(
        "secure, on_track, stretch or out_of_reach, by the bounds of policy", isin=words(Band)
    )
    margin: Amount = optional(
        "On the year's row: how much of the coming month's target may be missed with the year still on track; below 0 not even meeting it is enough"
    )
    expected: Amount = optional("Mean of the landing; people add up to teams and the company")
    expected_without_largest: Amount = optional(
        "The mean without what the five open deals that bring most bring to it"
    )
    method: Text = field(
        "model, too_little_history, or over", isin=["model", "too_little_history", "over"]
    )
    stage_weighted: Amount = field(
        "Baseline: booked, and open amounts of the period times the CRM's own probability"
    )
    last_year: Amount = optional(
        "Baseline: bookings of the same months a year before; empty where history begins later"
    )
    three_month_average: Amount = optional(
        "Baseline: booked, and the average of the last three months for each month left; empty where history begins later"
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def every_id_has_every_period(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """A person, a team and the company have a row for each period."""
        return is_complete(table)

    @law
    def landing_where_it_can_be_told(cls, table: pd.DataFrame) -> bool:  # noqa: N805
        """There is a range where history is long enough or the period is over, and a band with each chance."""
        told = np.asarray(columns.arrow(table["method"])) != "too_little_history"
        has_target = np.array([target != 0 for target in table["target"]], np.bool_)
        return are_filled_where(
            table, ["p10", "p50", "p90", "expected", "expected_without_largest"], told
        ) and (are_filled_where(table, ["hit_probability", "band"], told & has_target))

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class ClosingPlan(Contract):
    """Open deals due in the next 90 days, and those already overdue."""

    as_of_month: Text = fields.as_of_month()
    opportunity_id: Text = fields.opportunity_id()
    owner_id: Text = fields.owner_id()
    account_id: Text = fields.account_id()
    amount: Amount = optional("Amount; empty where the deal has none")
    close_date: Day = field("Close date in the CRM")
    expected_month: Text = optional(
        "Month of confirmation by forecast, if it is won; empty where that was no better than the close date"
    )
    win_probability: Number = optional(
        "Calibrated chance to be booked within twelve months; empty with too little history",
        in_range={"min_value": 0, "max_value": 1},
    )
    push_count: Count = fields.push_count()
    days_overdue: Count = field("Days since the close date; 0 where it is still ahead")
    flags: Text = field("overdue, no_amount, pushed, slow, protect; separated by spaces")
    hit_change_month: Number = optional(
        "Change of the company's chance to hit the coming month if it confirms a month later"
    )
    hit_change_quarter: Number = optional("The same for the quarter that holds the coming month")
    hit_change_year: Number = optional("The same for the fiscal year that holds the coming month")
    hit_change_month_2: Number = optional("Change for the month if it confirms two months later")
    hit_change_quarter_2: Number = optional(
        "Change for the quarter if it confirms two months later"
    )
    hit_change_year_2: Number = optional("Change for the year if it confirms two months later")
    hit_change_month_3: Number = optional("Change for the month if it confirms three months later")
    hit_change_quarter_3: Number = optional(
        "Change for the quarter if it confirms three months later"
    )
    hit_change_year_3: Number = optional("Change for the year if it confirms three months later")
    owner_hit_change_month: Number = optional(
        "Change of the owner's chance to hit the coming month if it confirms a month later"
    )
    owner_hit_change_quarter: Number = optional("The same for the owner's quarter")
    owner_hit_change_year: Number = optional("The same for the owner's year")
    confirm_p10: Day = optional(
        "Day before which it is confirmed with a chance of one in ten, if it is won"
    )
    confirm_p90: Day = optional(
        "Day before which it is confirmed with a chance of nine in ten, if it is won"
    )
    effort_days: Number = optional("Days of work that it brings; empty where no effort is known")
    work_month: Text = optional(
        "Month in which that work is to begin, by the CRM's dates; empty without work"
    )
    likely_work_month: Text = optional(
        "Month in which it is likely to begin: later where the confirmation is"
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a deal."""

        unique = ["opportunity_id"]


class ClientPhasing(Contract):
    """Each client's bookings by month, what is expected to be confirmed, and the work that follows."""

    as_of_month: Text = fields.as_of_month()
    account_id: Text = field("Account")
    month: Text = fields.month()
    bookings: Amount = field("Booked with close date in the month")
    expected: Amount = optional(
        "Open amounts times their chance to be booked in the month; empty for months that are over or with too little history"
    )
    agreed: Amount = field(
        "What retainers and framework agreements bring in the month, beside bookings: of months to come, the backlog"
    )
    delivery_days: Number = optional(
        "Days of work in the month, of agreements, won deals and, by their chance, open ones; empty where no effort is known"
    )
    account_name: Text = fields.account_name()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an account and month."""

        unique = ["account_id", "month"]


class PipelineGeneration(Contract):
    """New pipeline that each month must see created, by lead source, against what was created."""

    as_of_month: Text = fields.as_of_month()
    source: Text = field("Lead source; (none) where a deal has none")
    month: Text = field("Month of creation", str_matches=MONTH)
    required: Amount = optional(
        "New pipeline that the targets of the months it serves need; empty where there are none or history is too short"
    )
    created: Amount = optional(
        "Amount of the deals created, as known now; empty for months to come"
    )
    conversion: Number = optional("Part of created money that is booked, in this company's past")
    lead_months: Number = optional("Months from creation to booking, weighted by money")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a source and month."""

        unique = ["source", "month"]


class ForecastCalls(Contract):
    """What sellers said their periods would bring, beside the model's range, and how their past calls came."""

    as_of_month: Text = fields.as_of_month()
    owner_id: Text = fields.owner_id()
    period_kind: Text = field("Month, quarter or year", isin=words(PeriodKind))
    period: Text = fields.period()
    called_on: Day = field("Day of the call, the latest one known at the month's end")
    call: Amount = field("What the person said the period would bring")
    bookings: Amount = field("What the person has booked in the period, as known now")
    is_over: Flag = field("Whether the period is over")
    error: Amount = optional("Call less bookings; empty until the period is over")
    p10: Amount = optional(
        "The model's forecast of the period, one in ten below it; empty without one"
    )
    p50: Amount = optional("The model's forecast of the period, as likely to be beaten as missed")
    p90: Amount = optional("The model's forecast of the period, one in ten above it")
    past_calls: Count = field("Calls of earlier periods of the kind that are over", ge=0)
    bias_pct: Number = optional(
        "Sum of their errors in percent of what came: above zero, calls were too high; empty where nothing came"
    )
    error_pct: Number = optional("Sum of their absolute errors in percent of what came")
    owner_name: Text = fields.owner_name()
    team: Text = fields.team()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a person and period."""

        unique = ["owner_id", "period"]


class SourceAttainment(Contract):
    """New pipeline of whoever owns lead sources against what it was to be: the month, the quarter and the year to date."""

    as_of_month: Text = fields.as_of_month()
    source_owner: Text = field(
        "Team, person or name that policy gives lead sources to; the lead source itself where policy names no owners"
    )
    period_kind: Text = field("Month, quarter or year, to date", isin=words(PeriodKind))
    period: Text = fields.period()
    target: Amount = optional(
        "New pipeline that was to be created; empty where nobody can say what is needed"
    )
    created: Amount = field("Amount of the deals created, as known now")
    attainment_pct: Number = optional("Created in percent of target; empty without a target")
    number: Amount = optional(
        "New pipeline that the coming month must see; empty where nobody can say"
    )
    conversion: Number = optional(
        "Part of created money that is booked, weighted by what was created lately"
    )
    lead_months: Number = optional("Months from creation to booking, weighted in the same way")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def every_owner_has_every_period(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """Whoever owns a source has a row for the month, the quarter and the year to date."""
        sizes = table.groupby("source_owner", observed=True, sort=False).size()
        return bool((sizes == len(PeriodKind)).all())

    class Config(Contract.Config):
        """One row an owner and period."""

        unique = ["source_owner", "period_kind", "period"]


class Actions(Contract):
    """What must happen next: at most three things for each reader, by the money that is at stake."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    rank: Count = field("1 is the most money at stake", ge=1, le=3)
    rule: Text = field(
        "confirm, ask_when (a slow deal of an existing client: ask, do not push), redate, close_lost, name_amount, cover_leaver, agree_year, find_pipeline, draft_in",
        isin=words(ActionRule),
    )
    owner_id: Text = optional(
        "Who can do it: the deal's owner, or the manager; empty where the CRM names nobody who can"
    )
    opportunity_id: Text = optional("Deal that it is about")
    stake: Amount = field(
        "Money at stake: for a deal its amount times the chance of booking it in the coming month; else what would be missing"
    )
    due_date: Day = field("By when")
    outcome: Text = optional(
        "What became of it by the next month end: done, open or gone. Filled by an export once the next month is published, and for what is about a deal; empty before, and in what is stored",
        isin=words(ActionOutcome),
    )
    owner_name: Text = optional("Name of who can do it")
    person_id: Text = optional("Person whom it is about, where that is not the owner")
    team: Text = optional(
        "Team of the deal or the person; of a gap in pipeline, the one that has it"
    )
    period: Text = optional("Month or quarter that it serves")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def a_deal_has_one_order(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """No deal stands in two actions of a reader, and no two readers are told to do different things with it."""
        deals = table.loc[is_filled(table["opportunity_id"])]
        rules = deals.groupby("opportunity_id", observed=True, sort=False)["rule"].nunique()
        return (
            bool((rules <= 1).all())
            and not deals.duplicated(["grain", "grain_id", "opportunity_id"]).any()
        )

    class Config(Contract.Config):
        """One row a reader and rank."""

        unique = ["grain", "grain_id", "rank"]


class ForecastTrackRecord(Contract):
    """Past forecasts beside what came, and beside three naive baselines."""

    as_of_month: Text = field("Month end at which the forecast was made", str_matches=MONTH)
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    period_kind: Text = field("Month, quarter or year", isin=words(PeriodKind))
    period: Text = fields.period()
    p10: Amount = field("Landing that was to be missed with a chance of one in ten")
    p50: Amount = field("Median of the forecast")
    p90: Amount = field("Landing that was to be passed with a chance of one in ten")
    stage_weighted: Amount = field("Baseline: stage-weighted pipeline")
    last_year: Amount = optional("Baseline: same months a year before")
    three_month_average: Amount = optional("Baseline: average of the last three months")
    outcome: Amount = field("Bookings of the period, as known at the evaluating month end")
    target: Amount = field("Phased target of the period as it was in force at the forecast")
    hit_probability: Number = optional(
        "Forecast chance to reach the target; empty without one",
        in_range={"min_value": 0, "max_value": 1},
    )
    is_hit: Flag = optional("Whether the target was reached; empty without one")
    evaluated_month: Text = field("Month end at which the outcome was looked up", str_matches=MONTH)
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a forecast."""

        unique = ["as_of_month", "grain", "grain_id", "period_kind", "period"]
