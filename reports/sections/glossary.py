"""What the words of a pack mean, those that it uses; a personal page says it where they stand.

Put definitions here, each with what makes a document use it.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports.document.document import Section
from reports.document.view import View
from reports.sections.deals import is_protected
from reports.text.i18n import marked

BOOKINGS = marked(
    "Bookings: won deals with close date in the period, credited to their owner at the month end or to those who share them."
)
TARGET = marked(
    "Phased target: the annual target by month. Number of a month: its target after what is missing so far."
)
COVERAGE = marked("Coverage = open pipeline / remaining target of the period.")
PROTECT = marked(
    "Protect: a deal of an existing client that is slow to close. It needs care, not pressure."
)
CHANCE = marked(
    "Chance of a deal: how often deals like it were booked within twelve months, by this company's own past."
)
RANGE = marked("From … to, eight in ten: one landing in ten is lower, and one is higher.")


def glossary(view: View) -> Section:
    """Return what the words of a document mean."""
    title = view.language.say("What the words mean")
    return Section("words", title, points=definitions(view), stays_together=True)


def definitions(view: View) -> tuple[str, ...]:
    """Return the definitions of the words that a reader's pages use."""
    return tuple(view.language.say(each) for each in _used(view))


def _used(view: View) -> Iterator[str]:
    yield BOOKINGS
    plan = view.data.plan(view.grain, view.grain_id)
    if any(each.baseline for each in plan):
        yield TARGET
        yield COVERAGE
    if any(row["method"] == "model" for row in view.landings()):
        yield RANGE
    deals = view.deals()
    if any(deal["win_probability"] is not None for deal in deals):
        yield CHANCE
    if any(is_protected(deal) for deal in deals):
        yield PROTECT
