"""What Salesforce may refuse, or fail to answer, each by its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from sales.errors import UserError


class SalesforceUnavailable(UserError, ConnectionError):
    """Salesforce did not answer."""


class DailyLimitReached(UserError, RuntimeError):
    """The organisation's requests of the day are used up, or nearly."""


class RequestRefused(UserError, RuntimeError):
    """Salesforce answered with an error."""


class ResourceNotFound(RequestRefused):
    """What was asked for does not exist, or this user may not see it."""


class QueryTimeout(RequestRefused):
    """A query took Salesforce too long."""


class LocatorExpired(RequestRefused):
    """Salesforce no longer holds the rest of an answer."""


class AnswerLost(RequestRefused):
    """Something was asked to be made, and no answer says whether it was."""


class IncompleteAnswer(UserError, RuntimeError):
    """Salesforce said how much there is, and something else arrived."""
