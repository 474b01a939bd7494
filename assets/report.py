"""Group report: the month-end packs as PDF."""

import dagster as dg
import pandas as pd

from assets.books import Books
from assets.extract import OWNERS
from assets.partitions import months
from reports.grain_tables import MonthTables
from reports.press import Press
from sales.calendar import Month


@dg.asset(partitions_def=months, owners=OWNERS, kinds={"jinja", "weasyprint", "pdf"})
def month_end_packs(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    monthly_bookings: pd.DataFrame,
    target_attainment: pd.DataFrame,
    pipeline_coverage: pd.DataFrame,
    pipeline_movement: pd.DataFrame,
    closing_plan: pd.DataFrame,
    data_quality: pd.DataFrame,
    landing_forecast: pd.DataFrame,
    client_phasing: pd.DataFrame,
    pipeline_generation: pd.DataFrame,
    forecast_track_record: pd.DataFrame,
    phasing_check: pd.DataFrame,
    target_padding: pd.DataFrame,
    bottom_up_plan: pd.DataFrame,
    books: dg.ResourceParam[Books],
    press: dg.ResourceParam[Press],
) -> dg.MaterializeResult:
    """The company pack, a pack for each team and pages for each person; unchanged documents are not printed again."""
    month = Month.parse(context.partition_key)
    tables = MonthTables(
        opportunity_snapshot, booking_credit, phased_targets, monthly_bookings, target_attainment,
        pipeline_coverage, pipeline_movement, closing_plan, data_quality,
        landing_forecast, client_phasing, pipeline_generation, forecast_track_record, phasing_check, target_padding, bottom_up_plan,
    )  # fmt: skip
    issue = press.publish(tables, month, books.rules(month), books.record(month).source, context.log.info)
    books.tables.publish(month, books.record(month).extract_id)
    links = "\n".join(f"- [{_bare(pack.title)}]({press.link(pack.path)})" for pack in issue.packs)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(issue.digest),
        metadata={
            "documents": len(issue.packs),
            "printed_now": issue.printed,
            "packs": dg.MetadataValue.md(links),
            "folder": dg.MetadataValue.path(str(issue.folder)),
            "company_pack": dg.MetadataValue.url(press.link(issue.packs[0].path)),
        },
    )


def _bare(title: str) -> str:
    """Return a title that cannot break out of a Markdown link."""
    return "".join(each for each in title if each.isalnum() or each in " .,-'&:")
