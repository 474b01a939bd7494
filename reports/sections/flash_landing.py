"""Where a running month and quarter land, in words, with how far such forecasts were off before.

Put what a flash says of its landing here; the figures are `sales.forecast.running_period`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.document.document import Statement, Variant
from reports.document.month_tables import Record
from reports.text import formats


def landings(landed: Sequence[tuple[str, Record]], variant: Variant) -> Iterator[Statement]:
    """Yield where each period lands, called by its name, as far as a range of it is told."""
    say, short, language_ = variant.language.say, variant.short, variant.language
    for name, row in _told(landed):
        amounts = {each: short(row[each]) for each in ("p10", "p50", "p90")}
        said = say("We forecast {p50} for {period} ({p10} to {p90}).", period=name, **amounts)
        chance = language_.chance(row["hit_probability"])
        if chance != formats.EMPTY:
            amount = short(row["target"])
            more = say(
                "Its {amount} is reached with a chance of {chance}.", amount=amount, chance=chance
            )
            said = f"{said} {more}"
        yield Statement(said, "landing_forecast")


def record_of(landed: Sequence[tuple[str, Record]], variant: Variant) -> str:
    """Return how far such forecasts were off on this day of past periods, beside what anybody could reckon."""
    say, language_ = variant.language.say, variant.language
    told: list[str] = []
    for name, row in _told(landed):
        words = {
            "period": name,
            "n": language_.count(row["judged"]),
            "ours": language_.share(row["error_model"]),
            "stage": language_.share(row["error_stage_weighted"]),
            "line": language_.share(row["error_straight_line"]),
        }
        if row["error_last_flash"] is None:
            told.append(
                say(
                    "{period}: on this day of {n} earlier periods we were off by {ours}; open deals by stage by {stage}, a straight line by {line}.",
                    **words,
                )
            )
        else:
            told.append(
                say(
                    "{period}: on this day of {n} earlier periods we were off by {ours}; open deals by stage by {stage}, a straight line by {line}, the flash a week before by {last}.",
                    last=language_.share(row["error_last_flash"]),
                    **words,
                )
            )
    return " ".join(told)


def _told(landed: Sequence[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
    for name, row in landed:
        if row["p10"] != row["p90"]:  # none of both, or no range
            yield name, row
