"""Charts of a personal page: the year as twelve small columns.

Put drawing for one person here; charts of teams and the company are `attainment` and `landing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from reports.charts.svg import (
    INK,
    MUTED,
    RULE,
    TINY,
    Palette,
    Scale,
    Words,
    advance,
    box,
    line,
    svg,
    text,
)
from reports.text.i18n import Language

HALF = 242.0


@dataclass(frozen=True)
class MonthColumn:
    """A month of a plan: its label, what it is to bring, and what it brought; `is_coming` marks the next one."""

    label: str
    plan: Decimal
    booked: Decimal | None
    is_coming: bool = False


def month_columns(
    months: Sequence[MonthColumn],
    words: Words,
    palette: Palette,
    language: Language,
    alt_text: str = "",
) -> Markup:
    """Draw the months of a year: the plan as an outline, what was booked solid, the coming month marked.

    Without an `alt_text` of its own the chart is told as a plan and what was booked of it.
    """
    height, top, bottom = 112.0, 20.0, 94.0
    values = [float(each.plan) for each in months]
    values += [float(each.booked) for each in months if each.booked is not None]
    highest, lowest = max([*values, 1.0]), min([*values, 0.0])
    y, slot = Scale(lowest, highest, bottom, top), HALF / max(len(months), 1)
    parts = [line([(0, y(0)), (HALF, y(0))], RULE, 0.7)]
    for n, each in enumerate(months):
        left, wide = slot * n + slot * 0.14, slot * 0.72
        middle = left + wide / 2
        if each.booked is not None:
            over, under = sorted((y(each.booked), y(0)))
            if each.booked:
                parts.append(box(left, over, wide, under - over, f'fill="{palette.brand}"'))
        over, under = sorted((y(each.plan), y(0)))
        stroke = f'fill="none" stroke="{INK if each.is_coming else MUTED}" stroke-width="{1.4 if each.is_coming else 0.7}"'
        if each.plan:
            parts.append(box(left - 0.8, over, wide + 1.6, under - over, stroke))
        parts.append(
            text(
                middle,
                bottom + 12,
                each.label,
                anchor="middle",
                colour=INK if each.is_coming else MUTED,
                bold=each.is_coming,
                size=TINY,
            )
        )
        if each.is_coming:
            label = words(each.plan)
            wide_label = advance(label, bold=True)
            place = min(max(middle, wide_label / 2), HALF - wide_label / 2)
            # Above the columns that the words touch.
            touched = [
                y(max(one.plan, one.booked or one.plan))
                for number, one in enumerate(months)
                if abs(slot * (number + 0.5) - place) < (wide_label + slot) / 2
            ]
            parts.append(text(place, min(touched) - 4, label, anchor="middle", bold=True))
    return svg(HALF, height, alt_text or _told(months, words, language), parts)


def _told(months: Sequence[MonthColumn], words: Words, language: Language) -> str:
    """Return what the columns show: what is planned, what came, and the coming month."""
    done = [each for each in months if each.booked is not None]
    told = language.say(
        "Plan of the year {plan}; booked in {n} months: {booked}",
        plan=words(sum((each.plan for each in months), Decimal(0))),
        n=len(done),
        booked=words(sum((each.booked or Decimal(0) for each in done), Decimal(0))),
    )
    coming = next((each for each in months if each.is_coming), None)
    if coming is None:
        return told
    more = language.say(
        "{month} is to bring {amount}", month=coming.label, amount=words(coming.plan)
    )
    return f"{told}; {more}"
