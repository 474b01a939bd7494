"""The page of whoever owns lead sources, marketing or a partner manager: new pipeline as a seller's page has bookings.

Put what is said to an owner of sources here, "you"; all sources beside each other are `sources`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.charts.person import MonthColumn, month_columns
from reports.document.document import Column, Row, Section, Statement, Table, Tile
from reports.document.month_tables import Record
from reports.document.view import View, deal_name, period_words
from reports.text import formats
from sales.vocabulary import DealChange, GrainKind, PeriodKind

MOST_DEALS, MOST_SOURCES = 8, 12


def source_statements(view: View, owner: str) -> list[Statement]:
    """Return what is to be created next, what the month created, and where the year stands."""
    say, short, language = view.language.say, view.variant.short, view.language
    by_kind = _rows(view, owner)
    month, year = by_kind[PeriodKind.MONTH], by_kind[PeriodKind.YEAR]
    names = {
        "coming": language.month_name(view.variant.month.plus(1)),
        "month": language.month_name(view.variant.month),
    }
    said: list[str] = []
    if year["number"]:
        said.append(
            say(
                "{coming}: {number} of new pipeline is to be created.",
                **names,
                number=short(year["number"]),
            )
        )
    made = {**names, "created": short(month["created"])}
    if month["target"]:
        said.append(
            say(
                "{month} created {created}, {pct} of the {target} that was needed.",
                **made,
                pct=language.pct(month["attainment_pct"]),
                target=short(month["target"]),
            )
        )
    else:
        said.append(say("{month} created {created}.", **made))
    return [Statement(each, "source_attainment") for each in (*said, *_year_to_date(view, year))]


def source_tiles(view: View, owner: str) -> list[Tile]:
    """Return the numbers of an owner of sources: the coming month's, the month, the year, and what becomes of it."""
    say, short, language = view.language.say, view.variant.short, view.language
    by_kind = _rows(view, owner)
    month, year = by_kind[PeriodKind.MONTH], by_kind[PeriodKind.YEAR]
    coming = language.month_name(view.variant.month.plus(1))
    lead = say("no decided deals yet")
    if year["lead_months"] is not None:
        lead = say("booked after {n} months", n=language.number(year["lead_months"], 1))
    return [
        Tile(
            say("To create in {month}", month=coming),
            formats.EMPTY if year["number"] is None else short(year["number"]),
            say("new pipeline"),
        ),
        Tile(
            say("Created in {month}", month=language.month_name(view.variant.month)),
            short(month["created"]),
            _of_needed(view, month),
            is_short=_is_short(month),
        ),
        Tile(
            say("Created in the year"),
            short(year["created"]),
            _of_needed(view, year),
            is_short=_is_short(year),
        ),
        Tile(say("Converts"), language.share(year["conversion"]), lead),
    ]


def source_sections(view: View, owner: str) -> list[Section | None]:
    """Return the parts of the page: the year by month, the periods, the sources, and the newest deals."""
    return [
        _by_month(view, owner),
        _periods(view, owner),
        _by_source(view, owner),
        _new_deals(view, owner),
    ]


def _rows(view: View, owner: str) -> dict[str, Record]:
    return {row["period_kind"]: row for row in view.data.sources() if row["source_owner"] == owner}


def _is_short(row: Record) -> bool:
    return bool(row["target"]) and row["created"] < row["target"]


def _of_needed(view: View, row: Record) -> str:
    say = view.language.say
    if not row["target"]:
        return say("nobody can say what is needed") if row["target"] is None else ""
    return say(
        "{pct} of {target} needed",
        pct=view.language.pct(row["attainment_pct"]),
        target=view.variant.short(row["target"]),
    )


def _year_to_date(view: View, year: Record) -> list[str]:
    say, short = view.language.say, view.variant.short
    if not year["target"]:
        return []
    gap = year["created"] - year["target"]
    values = {
        "created": short(year["created"]),
        "pct": view.language.pct(year["attainment_pct"]),
        "target": short(year["target"]),
        "gap": short(abs(gap)),
    }
    if values["gap"] == short(Decimal(0)):
        return [say("The year to date has {created}, as much as was needed.", **values)]
    if gap > 0:
        return [
            say(
                "The year to date has {created}, {pct} of the {target} that was needed: {gap} ahead.",
                **values,
            )
        ]
    return [
        say(
            "The year to date has {created}, {pct} of the {target} that was needed: {gap} behind.",
            **values,
        )
    ]


def _by_month(view: View, owner: str) -> Section:
    """Return what was created by month, and what the coming month is to create."""
    say, month = view.language.say, view.variant.month
    sources = set(view.data.sources_of(owner))
    created: dict[str, Decimal] = {}
    for row in view.data.generation():
        if row["source"] in sources:
            so_far = created.get(row["month"], Decimal(0))
            created[row["month"]] = so_far + (row["created"] or Decimal(0))
    number = _rows(view, owner)[PeriodKind.YEAR]["number"] or Decimal(0)
    zero = Decimal(0)
    months = [
        MonthColumn(
            view.language.short_month(each),
            number if each == month.plus(1) else zero,
            created.get(str(each), zero) if each <= month else None,
            is_coming=each == month.plus(1),
        )
        for each in view.variant.rules.calendar.year_of(month).months
    ]
    alt_text = say(
        "New pipeline by month: {rows}",
        rows=", ".join(
            f"{each.label} {view.variant.short(each.booked)}"
            for each in months
            if each.booked is not None
        ),
    )
    return Section(
        "year",
        say("Your new pipeline by month"),
        figure=month_columns(
            months, view.variant.short, view.variant.palette, view.language, alt_text
        ),
        caption=say("Solid: created. Outline: what the coming month is to create."),
        css="half",
    )


def _periods(view: View, owner: str) -> Section:
    """Return month, quarter and year to date beside what was needed."""
    say, short, by_kind = view.language.say, view.variant.short, _rows(view, owner)
    rows: list[Row] = []
    for kind in (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR):
        row = by_kind[kind]
        needed = formats.EMPTY if row["target"] is None else short(row["target"])
        rows.append(
            Row(
                (
                    period_words(row["period"], view.language),
                    needed,
                    short(row["created"]),
                    view.language.pct(row["attainment_pct"]),
                )
            )
        )
    columns = (
        Column(say("To date"), 34),
        Column(say("Needed"), 22, is_number=True),
        Column(say("Created"), 22, is_number=True),
        Column(say("of needed"), 22, is_number=True),
    )
    return Section(
        "periods",
        say("Created against what was needed"),
        tables=(Table(columns, tuple(rows)),),
        css="half",
    )


def _by_source(view: View, owner: str) -> Section:
    """Return each source of the owner with what it created and what becomes of it."""
    say, short, language = view.language.say, view.variant.short, view.language
    year = view.variant.rules.calendar.year_of(view.variant.month).until(view.variant.month)
    shown = {str(month) for month in year.months}
    sums: dict[str, dict[str, Decimal]] = {
        name: {"month": Decimal(0), "year": Decimal(0)} for name in view.data.sources_of(owner)
    }
    newest: dict[str, Record] = {}
    for row in view.data.generation():
        if row["source"] in sums and row["month"] in shown:
            created = row["created"] or Decimal(0)
            sums[row["source"]]["year"] += created
            if row["month"] == str(view.variant.month):
                sums[row["source"]]["month"] += created
                newest[row["source"]] = row
    order = sorted(sums, key=lambda name: (-sums[name]["year"], name))
    rows = [
        Row(
            (
                formats.printable(name),
                short(sums[name]["month"]),
                short(sums[name]["year"]),
                language.share(newest[name]["conversion"]) if name in newest else formats.EMPTY,
                language.number(newest[name]["lead_months"], 1)
                if name in newest
                else formats.EMPTY,
            )
        )
        for name in order[:MOST_SOURCES]
    ]
    columns = (
        Column(say("Source"), 36),
        Column(say("Created in month"), 18, is_number=True),
        Column(say("Created to date"), 18, is_number=True),
        Column(say("Converts"), 14, is_number=True),
        Column(say("Lead, months"), 14, is_number=True),
    )
    note = say(
        "Converts: part of created money that is booked in this company's past. Lead: months from creation to booking."
    )
    return Section("sources", say("Your sources"), tables=(Table(columns, tuple(rows), note=note),))


def _new_deals(view: View, owner: str) -> Section | None:
    """Return the largest deals that the owner's sources brought in the month; none where they brought none."""
    say, language = view.language.say, view.language
    sources = set(view.data.sources_of(owner))
    found = [
        row
        for row in view.data.deals.changes(GrainKind.COMPANY, view.grain_id)
        if row["change"] == DealChange.NEW
        and view.data.deals.lead_source(row["opportunity_id"]) in sources
    ]
    if not found:
        return None

    def amount(row: Record) -> Decimal:
        return row["amount_after"] or Decimal(0)

    largest = sorted(found, key=lambda row: (-amount(row), row["opportunity_id"]))[:MOST_DEALS]
    rows = [
        Row(
            (
                view.variant.record(row["opportunity_id"], deal_name(row)),
                formats.printable(view.data.deals.lead_source(row["opportunity_id"])),
                formats.printable(row["owner_name"]),
                language.day(row["close_date_after"]),
                view.variant.money(row["amount_after"]),
            )
        )
        for row in largest
    ]
    columns = (
        Column(say("Client and deal"), 38),
        Column(say("Source"), 16),
        Column(say("Owner"), 16),
        Column(say("Close date"), 14),
        Column(say("Amount"), 16, is_number=True),
    )
    return Section(
        "new_deals",
        say("The largest new deals of the month"),
        _brought(view, found),
        tables=(Table(columns, tuple(rows)),),
    )


def _brought(view: View, found: Sequence[Record]) -> str:
    total = sum((row["amount_after"] or Decimal(0) for row in found), Decimal(0))
    return view.language.say_many(
        "{n} deal worth {amount} came from your sources; it is with the owner named.",
        "{n} deals worth {amount} came from your sources; each is with the owner named.",
        len(found),
        amount=view.variant.short(total),
    )
