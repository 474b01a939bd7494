"""The documents of a month end: a company pack, a pack for each team, a few pages for each person.

Put here which documents there are and which sections each has, in which order. Every
number on them comes from a table of the month.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports import formats
from reports.deals import closing, overdue
from reports.document import Edition, MonthEndReport, Section
from reports.grain_tables import GrainTables, MonthTables
from reports.headline import attention, sentences, tiles
from reports.prospects import clients, delivery, generation, landing, plans, track_record
from reports.sections import attainment, coverage, movement, plan, quality, year
from reports.view import View

MOST_DEALS = 40
MOST_DEALS_OF_A_PERSON = 12


def month_end_reports(tables: MonthTables, edition: Edition) -> list[MonthEndReport]:
    """Return the company pack, a pack for each team, and a few pages for each active person."""
    everything = GrainTables(tables, edition.month, edition.rules)
    company = _company_pack(everything, edition)
    teams = [_team_pack(everything, team, edition) for team in everything.active_teams()]
    people = [_person_page(everything, person, edition) for person in everything.active_people()]
    return [company, *teams, *people]


def _company_pack(everything: GrainTables, edition: Edition) -> MonthEndReport:
    name = edition.rules.company
    view = View(everything, edition, "company", name)
    sections = [
        year(view), attention(view), landing(view), track_record(view, everything.scores), attainment(view, ["team", "person"]),
        coverage(view, ["company", "team"]), movement(view), generation(view), closing(view, MOST_DEALS), overdue(view, MOST_DEALS),
        clients(view), delivery(view), plans(view), quality(view),
    ]  # fmt: skip
    return _report(view, "Company pack", formats.printable(name), "Confidential: management", sections)


def _team_pack(everything: GrainTables, team: str, edition: Edition) -> MonthEndReport:
    view = View(everything, edition, "team", team)
    sections = [
        year(view), attention(view), landing(view), attainment(view, ["person"]), coverage(view, ["team"]), movement(view),
        closing(view, MOST_DEALS), overdue(view, MOST_DEALS_OF_A_PERSON),
    ]  # fmt: skip
    return _report(view, "Team pack", formats.printable(team), "Confidential: the team and its lead", sections)


def _person_page(everything: GrainTables, person: str, edition: Edition) -> MonthEndReport:
    view = View(everything, edition, "person", person)
    sections = [year(view), landing(view), plan(view), closing(view, MOST_DEALS_OF_A_PERSON), overdue(view, MOST_DEALS_OF_A_PERSON)]
    title = formats.printable(everything.name_of_person(person))
    return _report(view, "Personal page", title, "Confidential: the named person", sections)


def _report(view: View, kind_name: str, title: str, audience: str, sections: Sequence[Section | None]) -> MonthEndReport:
    edition, brand = view.edition, view.edition.rules.policy.brand
    month, calendar = edition.month, edition.rules.calendar
    number = month.index - calendar.year_of(month).first.index + 1
    period = f"{formats.month_name(month)}, month {number} of 12 of {calendar.year_of(month).name}, figures in {edition.rules.currency}"
    return MonthEndReport(
        kind=view.grain,
        grain_id=view.grain_id,
        kind_name=kind_name,
        title=title if view.grain != "company" else f"{title}: sales at month end",
        subtitle=period,
        audience=audience,
        company=formats.printable(brand.name or edition.rules.company),
        month=month,
        created=calendar.as_of(month).strftime("%Y-%m-%dT%H:%M:%SZ"),
        last_day=calendar.last_day(month),
        is_demo=edition.is_demo,
        footer=formats.printable(brand.footer) if brand.footer else "",
        logo=edition.logo,
        paper=brand.paper,
        palette=edition.palette,
        sentences=tuple(sentences(view)),
        tiles=tuple(tiles(view)),
        sections=tuple(section for section in sections if section is not None),
    )
