"""The year so far: bookings against the phased target, and where the year lands.

Put what is said of the whole year here; who is where is `people`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from reports.charts import attainment as charts
from reports.charts.svg import PHONE
from reports.document.document import Section
from reports.document.view import View


def year(view: View) -> Section:
    """Return bookings against the phased target over the year."""
    say = view.language.say
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline for each in plan):
        return Section(
            "year",
            say("The year so far"),
            answer=say(
                "There is no target for the year, so there is nothing to hold bookings against."
            ),
        )
    done = [each for each in plan if each.month <= view.variant.month]
    booked = _running([each.booked for each in done])
    coming = view.coming()
    rest = [each.rephased for each in plan[len(done) :]]
    # Who is ahead has nothing to bring beyond the plan.
    is_behind = bool(rest) and coming is not None and not coming["ahead"]
    to_come = [booked[-1] + each for each in _running(rest)] if is_behind else []
    row = view.year_landing()
    landing = (row["p10"], row["p50"], row["p90"]) if row else None
    labels = [view.language.short_month(each.month) for each in plan]
    drawn = charts.Year(
        labels, _running([each.baseline for each in plan]), booked, to_come, landing
    )
    variant = view.variant
    draw = partial(
        charts.cumulative, drawn, variant.short, variant.on_axis, variant.palette, view.language
    )
    caption = say("Dashed steps: phased target. Solid: booked.")
    stated = view.stated_target(view.year_name())
    if stated is not None and stated != sum(each.baseline for each in plan):
        caption = say(
            "Dashed steps: phased targets of its people, beside a stated target of {stated}. Solid: booked.",
            stated=view.variant.short(stated),
        )
    if to_come:
        caption += " " + say("Dotted: what the months left must bring after misses so far.")
    caption += (
        " " + say("Fan: where the year lands in eight of ten cases.") if landing and rest else ""
    )
    return Section(
        "year",
        say("Bookings against the phased target"),
        figure=draw(),
        phone_figure=draw(width=PHONE),
        caption=caption,
    )


def _running(values: Sequence[Decimal]) -> list[Decimal]:
    total, sums = Decimal(0), list[Decimal]()
    for value in values:
        total += value
        sums.append(total)
    return sums
