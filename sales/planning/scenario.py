"""A scenario of a year's plan as a file of the policy folder states it: the number, who joins and leaves.

Put a key of such a file here; what a scenario comes to is `year_plan`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from sales.policy.reading import parse_sections
from sales.policy.sections import (
    Chance,
    Factor,
    PolicySection,
    YearlyAmount,
    exact,
    known_holidays,
)

LONGEST = 60
# What the two scenarios are called that need no file.
AS_EXPECTED, AS_NUMBERED = "What people can sell", "The number"
LEAST_CHANCE, MOST_CHANCE = Decimal("0.05"), Decimal("0.95")


def _likely(chance: Decimal) -> Decimal:
    if not LEAST_CHANCE <= chance <= MOST_CHANCE:
        raise ValueError(f"must be between {LEAST_CHANCE} and {MOST_CHANCE}")
    return chance


class _Span(PolicySection):
    """When somebody sells."""

    start_date: date | None = None
    """First day on which the person sells; left out: before the year."""
    end_date: date | None = None
    """Last day on which the person sells; left out: after the year."""
    share: Factor = Decimal(1)
    """What the person books of what is expected of them otherwise: 0.8 with a fifth less time."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError("ends before it starts; correct start_date or end_date")
        return self


class SeatPlan(_Span):
    """A seat that nobody holds yet: expected to book what this company's sellers do."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"\S")]
    """What the seat is called."""
    team: Annotated[str, Field(max_length=120)] = ""
    """The team it belongs to; left out: none."""
    holidays: Annotated[str, AfterValidator(known_holidays)] = ""
    """Country, or country and region, of its holidays; left out: the company's."""


class PersonPlan(_Span):
    """What is planned for somebody who sells today."""

    owner: Annotated[str, Field(min_length=1, max_length=120)]
    """User name, e-mail or User id."""
    target: YearlyAmount | None = None
    """A target that is agreed already; the others share the rest of the number."""


class PlanScenario(PolicySection):
    """One way to set a year: a number for the company, or a chance that each target is to have, and who is there.

    With neither, everybody's target is what they may be expected to book.
    """

    title: Annotated[str, Field(max_length=LONGEST)] = ""
    """What the scenario is called; left out: its file's name."""
    number: YearlyAmount | None = None
    """The company's number for the year, shared out by what each person may be expected to book."""
    chance: Annotated[Chance, AfterValidator(_likely)] | None = None
    """In place of a number: each target is one that its owner reaches with this chance."""
    round_to: Annotated[
        Decimal, BeforeValidator(exact), Field(gt=0, le=10**9, allow_inf_nan=False)
    ] = Decimal(1000)
    """Targets are multiples of this amount."""
    people: tuple[PersonPlan, ...] = ()
    """Who leaves, joins, sells less, or has an agreed target."""
    seats: tuple[SeatPlan, ...] = ()
    """Seats that are to be filled."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.number is not None and self.chance is not None:
            raise ValueError("a scenario has a number or a chance; keep one of them")
        named = [each.name for each in self.seats]
        if twice := next((each for each in named if named.count(each) > 1), None):
            raise ValueError(f"two seats are called {twice!r}; give each a name of its own")
        return self


def parse_scenario(text: str, file_name: str) -> PlanScenario:
    """Read one scenario; raises `InvalidPolicy` with the first fault as one sentence."""
    return parse_sections(text, file_name, PlanScenario)
