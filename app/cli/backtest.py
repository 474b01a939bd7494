"""`onpace backtest`: every forecast that the past allows, made again and judged.

Put progress and tables for the terminal here; the evaluation is `sales.forecast.backtest`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from connectors.storage.monthly_tables import NotComputed
from publication.extract_selection import published_extract
from publication.forecast_sources import ForecastSources
from publication.month_inputs import resolve
from publication.workspace import Workspace
from reports.export.tables import export_tables
from reports.text import formats
from sales.calendar import Month
from sales.forecast.backtest import FEWEST_SCORED, Score, origins, scores, track_record
from sales.statistics.deal_outcomes import FEWEST_MONTHS
from sales.vocabulary import GrainKind

TITLE = (
    "P50 and baselines (stage-weighted pipeline, same months last year, three-month average): sum of absolute errors / bookings.\n"
    "Pinball: loss of P10, P50 and P90 / bookings. Inside: outcomes from P10 to P90. Brier: of the chance to hit, beside always saying the mean.\n"
)
NAMES = {"stage_weighted": "Stage", "last_year": "Last yr", "three_month_average": "3 mths"}


def backtest(
    workspace: Workspace, month: Month | None, console: Console
) -> tuple[Month, pd.DataFrame]:
    """Return the track record of a published month over its whole past, with a progress bar."""
    chosen = month or workspace.published.latest()
    if chosen is None:
        raise NotComputed("no month is there yet; run `onpace report MONTH` first")
    inputs = resolve(workspace, chosen, published_extract(workspace, chosen))
    forecast = ForecastSources(inputs)
    point_in_time = forecast.point_in_time
    parts = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*parts, console=console) as progress:
        task = progress.add_task(
            "Forecasts of past month ends", total=len(origins(point_in_time, chosen))
        )

        def begin(origin: Month) -> None:
            progress.update(task, description=f"Forecast of {origin}", advance=1)

        record = track_record(
            point_in_time,
            chosen,
            inputs.rules,
            inputs.people,
            forecast.targets_at,
            inputs.extracted_at,
            begin=begin,
        )
    return chosen, record


def write(record: pd.DataFrame, month: Month, folder: Path) -> Path:
    """Store the record as a table and return its path."""
    return export_tables({"forecast_track_record": record}, month, folder, "csv")[0]


def shown(record: pd.DataFrame) -> list[Table]:
    """Return the scores as tables for the terminal; none where too few forecasts can be judged."""
    found = scores(record)
    return (
        [
            _errors(found),
            *(
                _reliability(each)
                for each in found
                if each.reliability and each.grain == GrainKind.COMPANY
            ),
        ]
        if found
        else []
    )


def too_little() -> str:
    """Return the sentence for a past that is too short."""
    return f"Too little history: a forecast needs {FEWEST_MONTHS} closed months, and a score {FEWEST_SCORED} forecasts that can be judged."


def _errors(found: list[Score]) -> Table:
    table = Table(title=TITLE, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "n of", "P50", *NAMES.values(), "Pinball", "Inside", "Brier"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for score in found:
        table.add_row(
            f"{score.grain} {score.kind}",
            f"{score.forecasts} of {score.periods}",
            _share(score.wape),
            *(_share(score.baselines.get(name)) for name in NAMES),
            _share(score.pinball),
            _share(score.inside),
            _brier(score),
        )
    return table


def _brier(score: Score) -> str:
    return formats.EMPTY if score.brier is None else f"{score.brier:.2f}/{score.brier_baseline:.2f}"


def _reliability(score: Score) -> Table:
    table = Table(
        title=f"Chance to hit the {score.kind}'s target: what was said, and how often it came",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for name in ("Said", "Came", "Forecasts"):
        table.add_column(name, justify="right")
    for said, came, number in score.reliability:
        table.add_row(_share(said), _share(came), str(number))
    return table


def _share(value: float | None) -> str:
    return formats.EMPTY if value is None or value != value else f"{value:.0%}"  # noqa: PLR0124  # NaN
