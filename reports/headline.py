"""The first page: sentences, headline numbers, and what needs attention.

Put the rules here by which something is said: each has a condition and a source table.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports import formats
from reports.deals import counted
from reports.document import Section, Tile
from reports.grain_tables import Record, amount_of
from reports.prospects import BANDS, chance
from reports.view import View, name_of, ratio_words, short_period

MOST_POINTS = 4
LARGE_DEALS = 3
# A change of a chance that is worth a sentence.
COSTLY = 0.01


def sentences(view: View) -> list[str]:
    """What happened and where the year stands, each by its condition."""
    month, year = view.attained("month"), view.attained("year")
    short, said = view.edition.short, []
    name = formats.month_name(view.edition.month)
    if month["status"] == "no_target":
        said.append(f"{name} booked {short(month['bookings'])}; there was no target for it.")
    else:
        said.append(f"{name} booked {short(month['bookings'])}, {formats.pct(month['attainment_pct'])} of its target of {short(month['target'])}.")
    if year["status"] != "no_target":
        behind = year["variance"] < 0
        said.append(
            f"The year to date stands at {short(year['bookings'])}, {formats.pct(year['attainment_pct'])} of the phased target: "
            f"{short(abs(year['variance']))} {'behind' if behind else 'ahead'}."
        )
    landing = view.year_landing()
    if landing and landing["method"] == "model":
        said.append(
            f"{landing['period']} is as likely to land above {short(landing['p50'])} as below, against a target of {short(landing['target'])}: "
            f"the chance to reach it is {chance(landing['hit_probability'])}."
        )
    coming = view.next_quarter()
    if coming and coming["status"] == "ok":
        said.append(
            f"For {coming['period']}, {short(coming['open_pipeline'])} is open against {short(coming['remaining_target'])} "
            f"still to win: coverage {formats.ratio(coming['coverage_ratio'])}."
        )
    return said


def tiles(view: View) -> list[Tile]:
    """Return the headline numbers; the last is the chance to hit the year, else what is at risk, else coverage of the quarter in focus."""
    year, quarter = view.attained("year"), view.attained("quarter")
    whole, coming = view.covered(view.year_name()), view.next_quarter()
    short = view.edition.short
    at_risk = view.data.at_risk(view.grain, view.grain_id)
    tiles = [
        Tile("Year to date", short(year["bookings"]), f"of {short(year['target'])} phased", year["variance"] < 0),
        Tile("Attainment", formats.pct(year["attainment_pct"]), f"quarter to date {formats.pct(quarter['attainment_pct'])}", year["variance"] < 0),
        Tile("Still to win", short(whole["remaining_target"]), f"of {short(whole['target'])} for {whole['period']}"),
        Tile(
            "Open for the year",
            short(whole["open_pipeline"]),
            f"{counted(whole['open_count'])}, {ratio_words(whole)}{' coverage' if whole['status'] == 'ok' else ''}",
        ),
    ]
    landing = view.year_landing()
    if landing and landing["method"] == "model":
        is_short = landing["band"] in {"stretch", "out_of_reach"}
        tiles.append(Tile(f"Chance to hit {landing['period']}", chance(landing["hit_probability"]), BANDS[landing["band"]], is_short))
    elif at_risk > 0:
        tiles.append(Tile("At risk", short(at_risk), "no month left can take it", is_short=True))
    elif coming:
        ratio = coming["coverage_ratio"]
        tiles.append(
            Tile(
                f"Coverage {short_period(coming['period'])}",
                formats.ratio(ratio),
                _coverage_words(coming),
                ratio is not None and round(ratio, 1) < 1,
            )
        )
    return tiles


def attention(view: View) -> Section | None:
    """What needs attention: each point has a condition, and at most four are printed."""
    points = [point for rule in (_behind, _costly_to_wait, _overdue_point, _large_deals, _protect_point, _without_amount) for point in rule(view)]
    return Section("What needs attention", points=tuple(points[:MOST_POINTS])) if points else None


def _behind(view: View) -> list[str]:
    grain = "team" if view.grain == "company" else "person"
    rows = [row for row in view.attainment_rows(grain) if row["year"]["variance"] < 0 and row["year"]["status"] != "no_target"]
    rows.sort(key=lambda row: row["year"]["variance"])
    return [
        f"{name_of(row)} is {view.edition.short(abs(row['year']['variance']))} behind its phased target, at {formats.pct(row['year']['attainment_pct'])}."
        for row in rows[:1]
    ]


def _costly_to_wait(view: View) -> list[str]:
    """The deal whose waiting costs most of the quarter's chance, unless it is to be protected."""
    name = "owner_hit_change_quarter" if view.grain == "person" else "hit_change_quarter"
    deals = [deal for deal in view.data.deals(view.grain, view.grain_id) if deal[name] is not None and "protect" not in deal["flags"].split()]
    if view.grain == "team" or not deals:
        return []
    worst = min(deals, key=lambda deal: (deal[name], deal["opportunity_id"]))
    if worst[name] > -COSTLY:
        return []
    said = (
        f"{formats.printable(worst['account_name'])} ({view.edition.short(amount_of(worst))}, {formats.printable(worst['owner_name'])}) costs most to wait for: "
        f"a month later takes {abs(worst[name]) * 100:.0f} points off the chance to hit the quarter."
    )
    return [said]


def _overdue_point(view: View) -> list[str]:
    late = [deal for deal in view.data.deals(view.grain, view.grain_id) if deal["days_overdue"]]
    if not late:
        return []
    total = sum((amount_of(deal) for deal in late), Decimal(0))
    owners = _most_of(late)
    return [f"{counted(len(late))} worth {view.edition.short(total)} past their close date count nowhere until re-dated; most belong to {owners}."]


def _large_deals(view: View) -> list[str]:
    soon = view.edition.rules.calendar.last_day(view.edition.month.plus(1))
    due = [deal for deal in view.data.deals(view.grain, view.grain_id) if not deal["days_overdue"] and deal["close_date"] <= soon]
    due.sort(key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))
    named = [
        f"{formats.printable(deal['account_name'])} ({view.edition.short(amount_of(deal))}, {formats.printable(deal['owner_name'])})"
        for deal in due[:LARGE_DEALS]
    ]
    return [f"Largest due in {formats.month_name(view.edition.month.plus(1))}: {', '.join(named)}."] if named else []


def _protect_point(view: View) -> list[str]:
    kept = [deal for deal in view.data.deals(view.grain, view.grain_id) if "protect" in deal["flags"].split()]
    total = sum((amount_of(deal) for deal in kept), Decimal(0))
    return (
        [f"{counted(len(kept))} of existing clients worth {view.edition.short(total)} are slow: protect them, a date is worth less than the client."]
        if len(kept) > 1
        else []
    )


def _without_amount(view: View) -> list[str]:
    bare = [deal for deal in view.data.deals(view.grain, view.grain_id) if "no_amount" in deal["flags"].split()]
    return (
        [f"{counted(len(bare))} due or overdue {'has' if len(bare) == 1 else 'have'} no amount and {'is' if len(bare) == 1 else 'are'} in no sum."]
        if bare
        else []
    )


def _most_of(deals: Sequence[Record]) -> str:
    totals: dict[str, Decimal] = {}
    for deal in deals:
        totals[deal["owner_name"]] = totals.get(deal["owner_name"], Decimal(0)) + amount_of(deal)
    return formats.printable(max(sorted(totals), key=lambda owner: totals[owner]))


def _coverage_words(row: Record) -> str:
    words = {"no_target": "no target yet", "covered": "target is covered"}
    return words.get(row["status"], "open / still to win")
