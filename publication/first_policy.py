"""The folder of a firm that begins: its policy, target book and recipients, as far as Salesforce tells them.

Put here what `onpace init` proposes. Everything in it is a file that its owner may change; nothing
here is read again by a run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import tomlkit

from connectors.salesforce.diagnostics import Examination, OwnerAtWork
from publication.target_book import SALESFORCE
from sales import arrow as columns
from sales.calendar import FiscalCalendar
from sales.delivery.recipients import usable_address
from sales.periods import FiscalPeriods, UnusablePeriods, fiscal_periods
from sales.policy.sections import LONGEST_NAME
from sales.policy.template import policy_text
from sales.targets.annual_targets import TARGET_BOOK

# What no environment file carries: where the folder's own things lie is said beside them.
FOLDERS = {"ONPACE_HOME": "data", "ONPACE_POLICY": "policy"}
NO_TEAM = ""
# Time zones where dollars are US dollars and paper is Letter.
AMERICAN = ("America/", "US/", "Pacific/Honolulu")


@dataclass(frozen=True)
class Owner:
    """An active owner of deals: how the target book calls them, and what they won last year, in corporate currency."""

    username: str
    name: str
    team: str
    address: str
    last_year_bookings: Decimal


def calendar_of(found: Examination) -> FiscalCalendar:
    """Return the organisation's own calendar, by which its first policy is named."""
    organization = found.organization
    return FiscalCalendar(
        start_month=organization.start_month,
        named_by_end=organization.named_by_end,
        time_zone=organization.time_zone,
        periods=periods_of(found),
    )


def periods_of(found: Examination) -> FiscalPeriods | None:
    """Return the fiscal months of a custom year, none where there are none that can be used."""
    if not found.has_custom_fiscal_year:
        return None
    organization = found.organization
    try:
        return fiscal_periods(organization.fiscal_months, organization.start_month)
    except UnusablePeriods:
        return None


def has_quotas(found: Examination, years: Sequence[int]) -> bool:
    """Return whether any quota lies in one of these fiscal years."""
    calendar = calendar_of(found)
    days = [
        (calendar.first_day(months[0]), calendar.last_day(months[-1]))
        for months in (calendar.year(year).months for year in years)
    ]
    starts = columns.arrow(found.quotas["start_date"]).to_pylist()
    return any(first <= day <= last for day in starts for first, last in days)


def owners_of(found: Examination, at_work: Sequence[OwnerAtWork]) -> list[Owner]:
    """Return the active owners of deals, in order of teams and names."""
    work = {each.user_id: each for each in at_work}
    units = _units(found)
    users = found.users[found.users["is_active"] & found.users["user_id"].isin(work)]
    columns = ("user_id", "username", "email", "name", "role_id", "manager_id")
    found_owners = [
        Owner(
            username=_text(username) or str(user_id),
            name=_text(name),
            team=units.get(_text(role if uses_roles(found) else manager), NO_TEAM),
            address=usable_address(_text(email)),
            last_year_bookings=work[user_id].bookings,
        )
        for user_id, username, email, name, role, manager in users[list(columns)].itertuples(
            index=False
        )
    ]
    return sorted(found_owners, key=lambda each: (each.team, each.name, each.username))


def uses_roles(found: Examination) -> bool:
    """Return whether active users have roles, by which they form teams; else their managers do."""
    return bool(found.users.loc[found.users["is_active"], "role_id"].notna().any())


def policy_file(found: Examination, year: str, *, uses_quotas: bool, book: str) -> str:
    """Return the text of the policy of a fiscal year, such as `FY2027`, with targets from quotas or a target book."""
    organization = found.organization
    fiscal: dict[str, object] = {
        "start_month": organization.start_month,
        "year_name": "end" if organization.named_by_end else "start",
        "time_zone": organization.time_zone,
    }
    if len(organization.company) <= LONGEST_NAME:
        fiscal["company"] = organization.company
    if organization.currency:
        fiscal["currency"] = organization.currency
    if periods_of(found) is not None:
        fiscal["periods"] = "salesforce"
    stated: dict[str, Mapping[str, object]] = {
        "fiscal": fiscal,
        "targets": {"source": SALESFORCE if uses_quotas else book},
        "pipeline": {"team_by": "role" if uses_roles(found) else "manager"},
    }
    if organization.currency == "USD" and organization.time_zone.startswith(AMERICAN):
        stated["brand"] = {"languages": ["en-US"], "paper": "Letter"}
    return policy_text(
        f"The rules of {organization.company} for {year}", stated, {"pipeline": list(_notes(found))}
    )


def target_file(owners: Mapping[int, Sequence[Owner]]) -> str:
    """Return a target book with every owner of each fiscal year, each with the bookings of the year before beside an empty target."""
    text = io.StringIO()
    lines = csv.DictWriter(text, TARGET_BOOK, restval="", lineterminator="\n")
    lines.writeheader()
    for year, of_year in owners.items():
        for each in of_year:
            lines.writerow(
                {
                    "fiscal_year": year,
                    "owner": each.username,
                    "name": _flat(each.name),
                    "team": _flat(each.team),
                    "last_year_bookings": f"{each.last_year_bookings:.2f}",
                    "revision": 1,
                }
            )
    return text.getvalue()


def recipients_file(owners: Sequence[Owner]) -> str:
    """Return a recipients' file that names everybody who was found, and mails to nobody."""
    domains = sorted({each.address.rpartition("@")[2] for each in owners if each.address})
    lines = [
        "# Who gets which documents. Nobody gets anything until a line below is switched on.",
        "# Domains that mail may go to; an address of another one is refused.",
        f"allowed_domains = {tomlkit.item(domains).as_string()}",
        "# Everyone active gets their own page.",
        "own_pages = false",
        "# Who is above all people of a team gets its pack.",
        "led_teams = false",
        "# Who is told that a delivery is held.",
        "# hold_notice = []",
        "",
        "# Take the signs for comments away before those who are to get something. Packs:",
        '# "company", "team:NAME", "led" (teams whose people this person is above), "own".',
    ]
    listed = {each.address: each for each in reversed(owners) if each.address}
    for each in owners:
        if listed.get(each.address) is each:
            lines += [
                "",
                f"# {_flat(', '.join(filter(None, (each.name, each.team))))}",
                "# [[recipients]]",
                f"# address = {tomlkit.item(each.address).as_string()}",
                '# packs = ["own"]',
            ]
    return "\n".join(lines) + "\n"


def environment_file(settings: Mapping[str, str]) -> str:
    """Return the settings of a folder, for a file that only its owner may read."""
    lines = [f"{name}={_quoted(value)}" for name, value in {**settings, **FOLDERS}.items()]
    lines += ["", "# The mail server; without it nothing is mailed."]
    lines += [
        "# SMTP_HOST=",
        "# SMTP_FROM='Reports <reports@acme.example>'",
        "# SMTP_USERNAME=",
        "# SMTP_PASSWORD=",
    ]
    return "# Keep this file to yourself: it opens your Salesforce.\n" + "\n".join(lines) + "\n"


def _notes(found: Examination) -> Iterator[str]:
    if found.split_types:
        yield f"Opportunity splits are in use: {', '.join(found.split_types)}."
    if found.record_types:
        yield f"Record types: {', '.join(found.record_types)}."
    unknown = sorted({name for name, _ in found.stages_in_use} - found.stages)
    if unknown:
        yield f"In use and not listed by Salesforce, so say below what they mean: {', '.join(unknown)}."


def _units(found: Examination) -> dict[str, str]:
    """Return the names of what forms teams, by id."""
    table, key = (found.roles, "role_id") if uses_roles(found) else (found.users, "user_id")
    return {str(each): _text(name) for each, name in table[[key, "name"]].itertuples(index=False)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _flat(text: str) -> str:
    """Return a text in one line that no spreadsheet takes for a formula."""
    return "".join(each if each.isprintable() else " " for each in text).lstrip("=+-@ ")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
