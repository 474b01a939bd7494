"""The policy of one fiscal year: its sections, each key with its default, and reading them from TOML.

Put a key of the policy here; which year's policy holds for a month is `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from sales.calendar import (
    MONTHS_IN_YEAR,
    UnknownHolidayCalendar,
    check_holiday_calendar,
)
from sales.errors import UserError

LONGEST_NAME = 120  # of a company
FILE_NAME = re.compile(r"fy(\d{4})\.toml")


class InvalidPolicy(UserError, ValueError):
    """A policy file says something that is no rule."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; use a name such as Europe/London") from None
    return name


def known_holidays(place: str) -> str:
    """Return a place whose holidays are known; raises `ValueError` for others."""
    try:
        check_holiday_calendar(place)
    except UnknownHolidayCalendar as unknown:
        raise ValueError(f"is unknown: {unknown}") from None
    return place


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic reports ValueError
    return value


def exact(value: object) -> object:
    """Read a TOML float as the decimal a person wrote."""
    return Decimal(repr(value)) if isinstance(value, float) else _no_bool(value)


def _each_once(codes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(codes)) != len(codes):
        raise ValueError("names a language twice; name each once")
    return codes


Factor = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1000, allow_inf_nan=False)]


YearlyAmount = Annotated[
    Decimal, BeforeValidator(exact), Field(ge=0, le=10**12, allow_inf_nan=False)
]


Rate = Annotated[Decimal, BeforeValidator(exact), Field(gt=0, allow_inf_nan=False)]


Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


Line = Annotated[str, Field(max_length=200)]


LanguageCode = Literal["en", "en-US", "de"]
# Languages that pages can be printed in, with Babel's names of their locales.
LANGUAGES: dict[str, str] = {"en": "en_GB", "en-US": "en_US", "de": "de_DE"}


Languages = Annotated[
    tuple[LanguageCode, ...],
    Field(min_length=1, max_length=len(LANGUAGES)),
    AfterValidator(_each_once),
]


Paper = Literal["A4", "Letter"]


ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]


def _no_state(name: str) -> str:
    """Refuse fields that say how far a deal is: their past is in another history, and tables of their own tell it."""
    if name in {"StageName", "ForecastCategoryName", "ForecastCategory", "IsWon", "IsClosed"}:
        raise ValueError(
            "says how far a deal is, which other tables show; name a field that says what kind of business it is"
        )
    return name


Chance = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1, allow_inf_nan=False)]


Days = Annotated[Decimal, BeforeValidator(exact), Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class PolicySection(BaseModel):
    """A table of a policy file."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, use_attribute_docstrings=True
    )


class Fiscal(PolicySection):
    """When the year starts and what the company is called; empty values come from the organisation.

    A year of fewer `months` is the short one of a company that moves its year; its annual targets
    cover those months. `rates` are those of the plan, units of a currency for one of the company's:
    targets in it are converted by them all year. With `periods = "salesforce"` months have the days
    of the organisation's own fiscal periods.
    """

    start_month: Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=12)] | None = None
    """First month of the fiscal year, 1 to 12; left out: as in Salesforce."""
    months: Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=12)] = MONTHS_IN_YEAR
    """Months of this year; fewer than 12 for the short year of a company that moves its year."""
    year_name: Literal["start", "end"] | None = None
    """Whether the year is called by the calendar year in which it starts or ends; left out: as in Salesforce."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] | None = None
    """The zone in which a month ends; left out: the organisation's."""
    periods: Literal["calendar", "salesforce"] = "calendar"
    """Whether months are those of the calendar, or Salesforce's own fiscal periods."""
    rates: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Rate] = Field(default_factory=dict)
    """Rates of the plan: units of a currency for one of the company's; targets in it are converted by them all year."""
    company: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None
    """The name on the pages; left out: the organisation's."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Reporting currency; left out: the organisation's."""


class Targets(PolicySection):
    """Where annual targets come from, what they cover, and from when a revision inside the year counts.

    `revise = "ahead"`: from the month after its effective date; closed months keep their plan.
    `decimal` and `dates` say how the tables of the policy folder are spelled, where a cell has two
    readings.
    """

    source: str = "targets.csv"
    """File of this folder with annual targets, or "salesforce" for its quotas."""
    forecasting_type: Line = ""
    """Forecast type whose quotas count, where there are several."""
    basis: Literal["as_stated", "full_year"] = "as_stated"
    """Whether a target of a person who joins or leaves covers their own months, or the full year and is cut to them."""
    revise: Literal["ahead", "whole_year"] = "ahead"
    """Whether a revision inside the year counts for the months ahead, or for the whole year."""
    decimal: Literal[",", "."] | None = None
    """The sign that parts decimals in these files, where a cell has two readings."""
    dates: Literal["day_first", "month_first"] | None = None
    """Whether days or months come first in dates such as 03/04/2027."""


class Phasing(PolicySection):
    """How an annual number becomes twelve.

    Where no method is named, months that their source states (Salesforce's quotas, or
    monthly_targets.csv) stay as they are stated, and other targets are laid evenly.
    """

    method: Literal[
        "even", "working_days", "custom", "seasonal", "stated", "4-4-5", "4-5-4", "5-4-4"
    ] = "even"
    """How a year's target becomes twelve: left out: months that are stated stay, others are even."""
    weights: tuple[Factor, ...] = ()
    """With method = "custom": a number for each month from the first fiscal one."""
    ramp: tuple[Factor, ...] = ()
    """Share of a full month in the 1st, 2nd, 3rd month after a person's start."""
    rephase: Literal["none", "next_month", "rest_of_quarter", "rest_of_year", "bounded"] = "bounded"
    """What happens to what was missed."""
    cap: Annotated[Factor, Field(ge=1)] = Decimal("1.25")
    """With rephase = "bounded": no month is asked for more than this times its plan."""
    holidays: Annotated[str, AfterValidator(known_holidays)] = ""
    """Country, or country and region, whose public holidays are no working days."""
    leave: Literal["none", "relieves"] = "none"
    """Whether leave takes its part off a target."""

    @property
    def keeps_stated_months(self) -> bool:
        """Whether months that are stated stay as they are."""
        return self.method == "stated" or "method" not in self.model_fields_set

    @property
    def custom_weights(self) -> list[Fraction]:
        """The twelve weights of the custom method, from the first fiscal month."""
        return [Fraction(weight) for weight in self.weights]


class Pipeline(PolicySection):
    """Which deals count, with which amount; teams, credit, overdue deals; what unlisted stage names mean.

    `amount_field` is a custom currency field in place of Amount, `record_types` the API names or
    labels that count (all, if empty), `split_type` the split type that gives the credit, `dimension`
    the field by which bookings and pipeline are broken down.
    """

    amount_field: ApiName | None = None
    """Custom currency field in place of Amount."""
    record_types: tuple[Line, ...] = ()
    """Record types that count, by API name or label; all, if empty."""
    split_type: Line = ""
    """Split type that gives the credit; left out: the one that totals 100 %."""
    team_by: Literal["role", "manager"] = "role"
    """Whether teams are roles or the people of a manager."""
    overdue: Literal["separate", "current_period"] = "separate"
    """Whether deals whose close date is over count apart or in the current period."""
    dimension: Annotated[ApiName, AfterValidator(_no_state)] | None = None
    """Field of opportunities by which bookings, pipeline and mix are broken down too: a picklist or a text."""
    stages: dict[str, Literal["open", "won", "lost"]] = Field(default_factory=dict)
    """What stage names mean that Salesforce no longer lists."""


class PersonBrand(PolicySection):
    """How one person's pages are printed, by user name, e-mail or User id."""

    languages: Languages | None = None
    """Languages of these pages, the first one being the main one."""
    paper: Paper | None = None
    """Paper of these pages."""


class TeamBrand(PersonBrand):
    """How the pages of a team and its people look; what is left out is the company's."""

    name: Line | None = None
    """Name on the pages."""
    logo: Line | None = None
    """File of this folder."""
    colour: Colour | None = None
    """Main colour."""
    second_colour: Colour | None = None
    """Second colour."""
    footer: Line | None = None
    """Line at the foot of each page."""


class Brand(PolicySection):
    """How the pages look, and in which languages they are printed, the first one being the main one."""

    name: Line | None = None
    """Name on the pages; left out: the company's."""
    logo: Line | None = None
    """File of this folder, PNG, JPEG or SVG."""
    colour: Colour = "#0b4f6c"
    """Main colour of headings and charts."""
    second_colour: Colour = "#337c98"
    """Second colour."""
    footer: Line = ""
    """Line at the foot of each page."""
    paper: Paper = "A4"
    """Paper of the pages."""
    languages: Languages = ("en",)
    """Languages to print in, the first one being the main one."""
    teams: dict[str, TeamBrand] = Field(default_factory=dict)
    """What a team has of its own: name, logo, colours, footer, languages, paper."""
    people: dict[str, PersonBrand] = Field(default_factory=dict)
    """Languages and paper of one person, by user name, e-mail or User id."""

    def of_team(self, team: str) -> Brand:
        """Return a team's brand: the company's, with what the team has of its own."""
        return self.with_own(self.teams.get(team))

    def with_own(self, own: PersonBrand | None) -> Brand:
        """Return this brand with what a team or person has of its own."""
        return self.model_copy(update=own.model_dump(exclude_none=True)) if own else self


class Forecast(PolicySection):
    """The bands of reach, and the chance to catch up after two bad months that a phasing must leave."""

    secure: Chance = Decimal("0.75")
    """From this chance on a target is called secure."""
    on_track: Chance = Decimal("0.40")
    """From this chance on a target is called on track."""
    stretch: Chance = Decimal("0.20")
    """From this chance on a target is a stretch; below it is out of reach."""
    catch_up: Chance = Decimal("0.80")
    """The chance to catch up after two bad months that a phasing must leave."""


class Calls(PolicySection):
    """Which forecasts that people submit in Salesforce count as their calls; calls.csv counts beside them."""

    category: Literal["commit", "most_likely", "best_case"] = "commit"
    """What of a submitted forecast is the call."""
    forecasting_type: ApiName | None = None
    """Forecasting type whose submissions count; left out: the one of the quotas, or the only one there is."""


class Clients(PolicySection):
    """What delivery needs: custom fields of opportunities with days of work and dates of service, and what can be done a month."""

    effort_field: ApiName | None = None
    """Custom field of opportunities with days of work."""
    service_start_field: ApiName | None = None
    """Custom field with the first day of service."""
    service_end_field: ApiName | None = None
    """Custom field with the last day of service."""
    capacity_days: Days | None = None
    """Days of work that can be done a month."""
    days_per_person: Days = Decimal(18)
    """Days of work of one person a month."""


class LeadSource(PolicySection):
    """Whose work a lead source is, and what it is to bring: a share of the new pipeline that the company needs, or an amount a year.

    With neither, its target is what the company's own past asks of it.
    """

    owner: Annotated[str, Field(max_length=120, pattern=r"\S")]
    """Person or team whose work the source is."""
    share: Chance | None = None
    """Share of the new pipeline that the company needs."""
    amount: YearlyAmount | None = None
    """New pipeline a year."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.share is not None and self.amount is not None:
            raise ValueError("has a share and an amount; keep one of them")
        return self


def _named_owner(value: object) -> object:
    if isinstance(value, str):
        return {"owner": value}
    if not isinstance(value, Mapping | LeadSource):
        raise ValueError('is no owner; name one, or write { owner = "NAME", share = 0.3 }')  # noqa: TRY004  # pydantic reports ValueError
    return cast("object", value)


class DeliveryPolicy(PolicySection):
    """When a month end is due, and what holds its delivery."""

    working_day: Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=8)] = 3
    """The working day after a month end on which its reports go out."""
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "07:00"
    """The time of that day, where the company is."""
    hours_after_month_end: Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=24 * 15)] = 0
    """How long to wait after the month end at least."""
    oldest_extract_hours: (
        Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=24 * 366)] | None
    ) = None
    """Hold the delivery where Salesforce was read longer ago than this."""
    most_assumed_pct: Annotated[
        Decimal, BeforeValidator(exact), Field(ge=0, le=100, allow_inf_nan=False)
    ] = Decimal(100)
    """Hold the delivery where more than this percentage of the money rests on assumptions."""
    needs_approval: bool = False
    """Whether somebody must approve before mails go out."""
    alarm_after_hours: Annotated[int, BeforeValidator(_no_bool), Field(ge=1, le=24 * 31)] = 24
    """Hours after the due time at which an alarm is raised."""


class Retention(PolicySection):
    """For how many days a home keeps what nobody sees any more; the newest policy's count.

    `extracts_days`: extracts that no month rests on. `revisions_days`: revisions that others
    replaced, but for the first ones and those that were sent; none forgets no revision.
    """

    extracts_days: Annotated[int, BeforeValidator(_no_bool), Field(ge=7, le=36_600)] = 30
    """Days for which extracts are kept that no month rests on."""
    revisions_days: Annotated[int, BeforeValidator(_no_bool), Field(ge=30, le=36_600)] | None = None
    """Days for which replaced revisions are kept; left out: for ever."""


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class FlashPolicy(PolicySection):
    """When the weekly flash is printed, and who is mailed; the newest policy's count."""

    weekday: Weekday = "monday"
    """The day at whose first instant the flash shows the running month."""
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "07:00"
    """The time of that day at which it is printed and mailed, where the company is."""
    recipients: tuple[Literal["company", "team", "led", "own"], ...] = ()
    """Which packs of recipients.toml come as a flash too; nobody is mailed where none is named."""
    post: bool = False
    """Whether the company's headline and the picture of its page are posted where ONPACE_NOTICES leads."""


class SalesPolicy(PolicySection):
    """The rules of one fiscal year."""

    fiscal: Fiscal = Fiscal()
    targets: Targets = Targets()
    phasing: Phasing = Phasing()
    pipeline: Pipeline = Pipeline()
    brand: Brand = Brand()
    forecast: Forecast = Forecast()
    clients: Clients = Clients()
    calls: Calls = Calls()
    sources: dict[Line, Annotated[LeadSource, BeforeValidator(_named_owner)]] = Field(
        default_factory=dict
    )
    delivery: DeliveryPolicy = DeliveryPolicy()
    flash: FlashPolicy = FlashPolicy()
    retention: Retention = Retention()
