"""The documents of a month end: a company pack, a pack for each team, one page for each person.

Put here which documents there are, in which languages, and which sections each has, in which
order. Every number on them comes from a table of the month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from reports.document.document import Labels, MonthEndReport, Section, Variant, Words
from reports.document.last_report import LastReport
from reports.document.month_data import GrainTables
from reports.document.month_tables import MonthTables, records
from reports.document.theme import Theme, Themes
from reports.document.view import View, period_words
from reports.export.attachments import Attachments
from reports.sections.actions import actions, past_actions
from reports.sections.calls import calls
from reports.sections.changes import changes
from reports.sections.clients import agreements, clients
from reports.sections.deals import closing, overdue, waiting
from reports.sections.decided import decided
from reports.sections.dimension import dimension
from reports.sections.glossary import glossary
from reports.sections.headline import statements, tiles
from reports.sections.landing import landing
from reports.sections.people import attainment
from reports.sections.person import personal_sections
from reports.sections.pipeline import (
    coverage,
    coverage_by_period,
    movement,
    movement_by_period,
)
from reports.sections.plans import plans
from reports.sections.quality import quality
from reports.sections.restatement import restated
from reports.sections.source_owner import (
    source_sections,
    source_statements,
    source_tiles,
)
from reports.sections.sources import generation
from reports.sections.stages import stages
from reports.sections.track_record import track_record
from reports.sections.work import work, work_by_client
from reports.sections.year import year
from reports.text import formats
from reports.text.commentary import as_markup
from reports.text.i18n import Language, language, marked
from sales.policy.commentary import Commentary
from sales.policy.sections import Brand, PersonBrand
from sales.vocabulary import SOURCE_OWNER, GrainKind

KINDS: dict[str, str] = {
    GrainKind.COMPANY: marked("Company pack"),
    GrainKind.TEAM: marked("Team pack"),
    GrainKind.PERSON: marked("Personal page"),
    SOURCE_OWNER: marked("New pipeline page"),
}
AUDIENCES: dict[str, str] = {
    GrainKind.COMPANY: marked("Confidential: management"),
    GrainKind.TEAM: marked("Confidential: the team and its lead"),
    GrainKind.PERSON: marked("Confidential: the named person"),
    SOURCE_OWNER: marked("Confidential: whoever owns the sources"),
}


@dataclass(frozen=True)
class Readers:
    """How documents look, and what their readers ask for: `people` by owner id, `variants` by kind and id of the document.

    `commentary` are managers' words by team, the company's under none.
    """

    themes: Themes | None = None
    people: Mapping[str, PersonBrand] = field(default_factory=dict[str, PersonBrand])
    variants: Mapping[tuple[str, str | None], AbstractSet[tuple[str | None, str | None]]] = field(
        default_factory=dict[tuple[str, str | None], AbstractSet[tuple[str | None, str | None]]]
    )
    commentary: Mapping[str | None, Commentary] = field(
        default_factory=dict[str | None, Commentary]
    )

    def theme(self, default: Theme, team: str | None, person: str | None) -> Theme:
        """Return the look of a document of a team or person."""
        theme = (
            default
            if self.themes is None
            else self.themes.company
            if team is None
            else self.themes.of_team(team)
        )
        own = self.people.get(person or "")
        return replace(theme, paper=own.paper) if own and own.paper else theme

    def wanted(
        self, brand: Brand, theme: Theme, key: tuple[str, str | None], team: str | None
    ) -> list[tuple[str, str]]:
        """Return the languages and papers of a document, the main one first."""
        own = self.people.get(key[1] or "") if key[0] == GrainKind.PERSON else None
        languages = brand.of_team(team or "").with_own(own).languages
        asked = sorted(
            (code or languages[0], paper or theme.paper)
            for code, paper in self.variants.get(key, ())
        )
        return list(dict.fromkeys([*((code, theme.paper) for code in languages), *asked]))


@dataclass(frozen=True)
class Restated:
    """What differs from the month as it was published first, and when that was."""

    differences: pd.DataFrame
    published: date | None = None


def month_end_reports(
    tables: MonthTables,
    variant: Variant,
    readers: Readers | None = None,
    before: Restated | None = None,
    last: LastReport | None = None,
) -> Iterator[MonthEndReport]:
    """Yield the company pack, a pack for each team, a page for each active person and for each owner of lead sources, each in its languages.

    One after the other: of many documents only those in hand are in memory.
    """
    month = _Month(tables, variant, readers or Readers(), before, last)
    yield from month.documents(GrainKind.COMPANY, variant.rules.company, None)
    for team in month.data.active_teams():
        yield from month.documents(GrainKind.TEAM, team, team)
    for person in month.data.active_people():
        yield from month.documents(GrainKind.PERSON, person, month.data.team_of_person(person))
    for owner in month.data.source_owners():
        yield from month.source_pages(owner)


class _Month:
    """What all documents of a month are made from."""

    def __init__(
        self,
        tables: MonthTables,
        variant: Variant,
        readers: Readers,
        before: Restated | None,
        last: LastReport | None,
    ) -> None:
        self.data = GrainTables(tables, variant.month, variant.rules, last)
        self._edition, self._readers, self._before = variant, readers, before
        self._differences = records(before.differences) if before else []
        self._attachments = Attachments(
            tables,
            variant.rules.calendar.first_day(variant.rules.calendar.year_of(variant.month).first),
            before.differences if before else None,
        )

    def documents(self, grain: str, grain_id: str, team: str | None) -> Iterator[MonthEndReport]:
        """Yield a document in each of its editions."""
        theme = self._readers.theme(
            self._edition.theme, team, grain_id if grain == GrainKind.PERSON else None
        )
        attachments = self._attachments.of(grain, grain_id)
        key = (grain, None if grain == GrainKind.COMPANY else grain_id)
        for variant in self._variants(theme, key, team):
            view = View(self.data, variant, grain, grain_id)
            yield replace(
                _report(view, self._sections(view)),
                attachments=attachments,
                names=self._attachments.names,
                words=self._words(view),
            )

    def source_pages(self, owner: str) -> Iterator[MonthEndReport]:
        """Yield the page of an owner of lead sources in each of its editions."""
        theme = self._readers.theme(self._edition.theme, None, None)
        attachments = self._attachments.of_sources(owner, self.data.sources_of(owner))
        for variant in self._variants(theme, (SOURCE_OWNER, owner), None):
            view = View(self.data, variant, GrainKind.COMPANY, variant.rules.company)
            yield replace(
                _frame(view, SOURCE_OWNER, owner, formats.printable(owner)),
                statements=tuple(source_statements(view, owner)),
                tiles=tuple(source_tiles(view, owner)),
                sections=tuple(each for each in source_sections(view, owner) if each is not None),
                is_sheet=True,
                attachments=attachments,
                names=self._attachments.names,
            )

    def _variants(
        self, theme: Theme, key: tuple[str, str | None], team: str | None
    ) -> Iterator[Variant]:
        """Yield the editions of a document in its languages and papers, the main one first."""
        wanted = self._readers.wanted(self._edition.rules.policy.brand, theme, key, team)
        for code, paper in wanted:
            name = ".".join(
                part.lower()
                for part, first in zip((code, paper), wanted[0], strict=True)
                if part != first
            )
            yield replace(
                self._edition, theme=replace(theme, paper=paper), language=language(code), name=name
            )

    def _words(self, view: View) -> Words | None:
        """Return what a manager says of the company or a team; personal pages carry no such words."""
        if view.grain == GrainKind.PERSON:
            return None
        team = view.grain_id if view.grain == GrainKind.TEAM else None
        said = self._readers.commentary.get(team)
        if said is None:
            return None
        return Words(
            f"{formats.printable(said.author)}, {view.language.day(said.day)}", as_markup(said.text)
        )

    def _sections(self, view: View) -> Sequence[Section | None]:
        said = restated(view, self._differences, self._before.published if self._before else None)
        if view.grain == GrainKind.PERSON:
            return [*personal_sections(view), said]
        is_company = view.grain == GrainKind.COMPANY
        covered = [GrainKind.COMPANY, GrainKind.TEAM] if is_company else [GrainKind.TEAM]
        people = [GrainKind.TEAM, GrainKind.PERSON] if is_company else [GrainKind.PERSON]
        pages = [
            year(view),
            changes(view),
            movement(view),
            landing(view),
            attainment(view, people),
            calls(view),
            closing(view),
            coverage(view, covered),
            stages(view),
            generation(view) if is_company else None,
            clients(view) if is_company else None,
            agreements(view),
            work(view),
        ]
        appendix = [
            waiting(view) if is_company else None,
            overdue(view),
            movement_by_period(view),
            coverage_by_period(view, covered),
            plans(view) if is_company else None,
            work_by_client(view),
            decided(view),
            dimension(view),
            track_record(view, self.data.scores) if is_company else None,
            said,
            quality(view) if is_company else glossary(view),
        ]
        return [*pages, *_appended(view, appendix)]


def _appended(view: View, sections: Sequence[Section | None]) -> list[Section]:
    """Return the sections of the appendix, the first of which opens it."""
    first, *others = [section for section in sections if section is not None]
    return [replace(first, part=view.language.say("Appendix")), *others]


def _report(view: View, sections: Sequence[Section | None]) -> MonthEndReport:
    name = formats.printable(view.data.name_of(view.grain, view.grain_id))
    if view.grain == GrainKind.COMPANY:
        name = view.language.say("{company}: sales at month end", company=name)
    return replace(
        _frame(view, view.grain, view.grain_id, name),
        statements=tuple(statements(view)),
        actions=tuple(actions(view)),
        past_actions=past_actions(view),
        tiles=tuple(tiles(view)),
        sections=tuple(section for section in sections if section is not None),
    )


def _frame(view: View, kind: str, grain_id: str, title: str) -> MonthEndReport:
    """Return a document without what it says: whose it is, of when, and how it looks."""
    variant, say = view.variant, view.language.say
    month, calendar = variant.month, variant.rules.calendar
    period = say(
        "{month}, month {n} of {size} of {year}, figures in {currency}",
        month=view.language.month_name(month),
        n=month.index - calendar.year_of(month).first.index + 1,
        size=len(calendar.year_of(month).months),
        year=period_words(calendar.year_of(month).name, view.language),
        currency=variant.rules.currency,
    )
    return MonthEndReport(
        kind=kind,
        grain_id=grain_id,
        kind_name=say(KINDS[kind]),
        title=title,
        subtitle=period,
        audience=say(AUDIENCES[kind]),
        company=formats.printable(variant.theme.name or variant.rules.company),
        month=month,
        month_name=view.language.month_name(month),
        created=calendar.as_of(month).strftime("%Y-%m-%dT%H:%M:%SZ"),
        last_day=calendar.last_day(month),
        is_demo=variant.is_demo,
        is_preview=variant.is_preview,
        language=variant.language,
        variant=variant.name,
        theme=replace(
            variant.theme,
            footer=formats.printable(variant.theme.footer) if variant.theme.footer else "",
        ),
        labels=labels_of(view.language),
        statements=(),
        actions=(),
        tiles=(),
        sections=(),
    )


def labels_of(language: Language) -> Labels:
    """Return the template's own words in a language."""
    say = language.say
    return Labels(
        actions=say("What must happen next"),
        contents=say("In this document"),
        demo=say("demonstration data from the embedded org"),
        demo_long=say(
            "Demonstration: these figures come from the embedded org, not from your Salesforce."
        ),
        preview=say("Preview, not published"),
        as_of=say("as of"),
        attached=say("The tables behind these pages are attached as CSV files."),
        filter=say("Show rows with these words"),
    )
