"""Tables about other tables: findings about the facts, and differences to what was published."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from sales.contracts import fields
from sales.contracts.contract import Amount, Contract, Instant, Text, field, optional
from sales.vocabulary import Cause, Measure, words


class DataQuality(Contract):
    """Facts before the month end that a reader of the numbers should know."""

    as_of_month: Text = fields.as_of_month()
    finding: Text = field("What was found")
    record_id: Text = field("Record it is about")
    severity: Text = field("info, warning or error", isin=["info", "warning", "error"])
    detail: Text = field("The finding in a sentence")
    amount: Amount = optional("Money concerned")
    owner_id: Text = optional("Whose record it is, and to put right; empty: the administrators'")
    owner_name: Text = optional("Name of the owner")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a finding and record."""

        unique = ["finding", "record_id"]


class Restatement(Contract):
    """What differs between a month as it was published first and as it is now: a row a record, person and team.

    It is attached to the documents as `restatement.csv`, and not stored.
    """

    as_of_month: Text = fields.as_of_month()
    measure: Text = field(
        "What is compared: bookings of the year to date, open pipeline of the year, phased target to date",
        isin=words(Measure),
    )
    record_id: Text = field("Opportunity; of a target, the owner")
    owner_id: Text = field("Person whose number changes")
    team: Text = field("Team whose number changes")
    owner_name: Text = field("Person's name")
    name: Text = optional("Opportunity's name; empty for a target")
    before: Amount = field("Amount as first published; 0 where it was not counted")
    after: Amount = field("Amount now; 0 where it is no longer counted")
    difference: Amount = field("After less before")
    cause: Text = field("Why they differ", isin=words(Cause))
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a difference."""

        unique = ["measure", "record_id", "owner_id", "team"]
