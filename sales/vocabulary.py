"""Words of fixed sets that columns hold, and the shapes of months and periods."""

from __future__ import annotations

from enum import StrEnum

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


PERIOD = r"^(\d{4}-(0[1-9]|1[0-2])|FY\d{4}(-Q[1-4])?)$"


class GrainKind(StrEnum):
    """What a row sums over; whose a document is."""

    PERSON = "person"
    TEAM = "team"
    COMPANY = "company"


# The kind of a document for whoever owns lead sources: no row sums over it.
SOURCE_OWNER = "sources"


class PeriodKind(StrEnum):
    """How long a period is."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class TargetStatus(StrEnum):
    """How bookings stand against a target."""

    NO_TARGET = "no_target"
    COVERED = "covered"
    OK = "ok"


class ClientKind(StrEnum):
    """Whether a client had a booking in the 24 months before."""

    EXISTING = "existing"
    NEW = "new"


class Band(StrEnum):
    """How likely a target is reached, the likeliest first."""

    SECURE = "secure"
    ON_TRACK = "on_track"
    STRETCH = "stretch"
    OUT_OF_REACH = "out_of_reach"


class DealChange(StrEnum):
    """What became of a deal between two month ends; a deal may have several."""

    WON = "won"
    LOST = "lost"
    NEW = "new"
    SLIPPED = "slipped"
    PULLED_IN = "pulled_in"
    PUSHED = "pushed"
    AMOUNT = "amount"
    REOPENED = "reopened"
    DELETED = "deleted"
    REASSIGNED = "reassigned"


class ActionRule(StrEnum):
    """Why something must happen next, in the order in which equal stakes are told."""

    CONFIRM = "confirm"
    ASK_WHEN = "ask_when"
    REDATE = "redate"
    CLOSE_LOST = "close_lost"
    NAME_AMOUNT = "name_amount"
    COVER_LEAVER = "cover_leaver"
    AGREE_YEAR = "agree_year"
    FIND_PIPELINE = "find_pipeline"
    DRAFT_IN = "draft_in"


class ActionOutcome(StrEnum):
    """What became of an action a month later."""

    DONE = "done"
    OPEN = "open"
    GONE = "gone"


class Provenance(StrEnum):
    """How a value of the past is known."""

    SNAPSHOT = "snapshot"
    HISTORY = "history"
    ASSUMED = "assumed"
    UNKNOWN = "unknown"


class Measure(StrEnum):
    """What a restatement compares."""

    BOOKINGS = "bookings"
    OPEN_PIPELINE = "open_pipeline"
    TARGET = "target"


class Cause(StrEnum):
    """Why a number differs from the one first published."""

    LATE_EDIT = "late_edit"
    OWNER = "owner"
    AMOUNT = "amount"
    DELETION = "deletion"
    TARGET_REVISION = "target_revision"
    RATE = "rate"
    DEFINITION = "definition"


FORECAST_CATEGORIES = ["Omitted", "Pipeline", "Best Case", "Most Likely", "Commit", "Closed"]


def words(of: type[StrEnum]) -> list[str]:
    """Return the words of a set, as columns hold them."""
    return [each.value for each in of]
