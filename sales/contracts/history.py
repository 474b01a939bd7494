"""Tables of the group history: what was known at a month end."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

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
    optional,
)
from sales.vocabulary import MONTH, Provenance, words


class OpportunitySnapshot(Contract):
    """What was known of every opportunity at the close of the month."""

    month: Text = fields.month()
    opportunity_id: Text = fields.opportunity_id()
    name: Text = fields.name()
    account_id: Text = fields.account_id()
    account_name: Text = fields.account_name()
    owner_id: Text = field("Owner as of the month end")
    team: Text = fields.team()
    stage_name: Text = field("Stage as of the month end")
    forecast_category: Text = optional("Forecast category as of the month end")
    probability_pct: Number = optional("The CRM's own probability, 0-100")
    amount: Amount = optional("Amount in corporate currency; empty where the deal has none")
    amount_local: Amount = optional("Amount in the deal's currency")
    currency_code: Text = field("The deal's currency")
    close_date: Day = field("Close date as of the month end")
    is_open: Flag = field("Not decided")
    is_won: Flag = field("Won")
    created_at: Instant = fields.created_at()
    stage_entered_at: Instant = optional("When the stage was entered; empty where no history says")
    push_count: Count = fields.push_count()
    last_pushed_at: Instant = optional("When it last did")
    amount_provenance: Text = field("How the amount is known", isin=words(Provenance))
    close_date_provenance: Text = field("How the close date is known", isin=words(Provenance))
    stage_provenance: Text = field("How the stage is known", isin=words(Provenance))
    owner_provenance: Text = field("How the owner is known", isin=words(Provenance))
    owner_name: Text = fields.owner_name()
    lead_source: Text = optional(
        "Lead source as of the month end; today's where its history is not tracked"
    )
    known_at: Instant = optional("When what is shown was saved; empty where it is assumed")
    effort_days: Number = optional(
        "Days of work as Salesforce says now; empty where policy names no field"
    )
    service_start: Day = optional("First day of service as Salesforce says now")
    service_end: Day = optional("Last day of service as Salesforce says now")
    team_id: Text = fields.team_id()
    dimension: Text = optional(
        "Value of the field that policy names as dimension, as of the month end; today's where its history is not tracked"
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an opportunity."""

        unique = ["opportunity_id"]


class BookingCredit(Contract):
    """Who gets the credit of each deal that is won, whatever its month, or open: a row a deal and person."""

    as_of_month: Text = field("Month whose report this serves", str_matches=MONTH)
    opportunity_id: Text = field("Opportunity that is won or open as of the month end")
    owner_id: Text = field("Person who gets the credit")
    team: Text = field("The person's team")
    owner_name: Text = field("The person's name")
    close_date: Day = field("Close date: of a won deal, the month it is booked in")
    amount: Amount = optional(
        "The person's share in corporate currency; empty where an open deal has no amount"
    )
    team_id: Text = fields.team_id()
    is_won: Flag = field("Booked; else open, and booked should it be won")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a deal and person."""

        unique = ["opportunity_id", "owner_id"]


class MonthlyBookings(Contract):
    """Bookings by owner and month, as known at each month end of the fiscal year so far."""

    as_of_month: Text = field("Month whose report this serves", str_matches=MONTH)
    known_month: Text = field("Month end at which the bookings were known", str_matches=MONTH)
    owner_id: Text = field("Owner who got the credit")
    month: Text = field("Month of the close date", str_matches=MONTH)
    bookings: Amount = field("Won amount")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an owner, month end and month."""

        unique = ["known_month", "owner_id", "month"]
