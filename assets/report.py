"""Group report: the month-end packs as PDF."""

from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from assets.books import Books
from assets.extract import OWNERS
from assets.metadata import column_lineage
from assets.pages import PAGES
from assets.partitions import months
from connectors.publications import Document
from reports.grain_tables import MonthTables
from reports.month_end import Restated
from reports.press import Pack, Press
from sales.calendar import Month
from sales.policy import MonthRules
from sales.restatement import Published, restatement


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
    rules, record = books.rules(month), books.record(month)
    issue = press.publish(
        tables, month, rules, record.source, context.log.info, readers=books.readers(month), before=_before(books, month, tables, rules)
    )
    for remark in issue.remarks:
        context.log.warning(remark)
    books.ledger.record(month, [each for pack in issue.packs for each in _files(pack)], books.now())
    books.tables.publish(month, record.extract_id, books.now())
    issue.refuse_failed()
    links = "\n".join(f"- [{_bare(pack.title)}]({press.link(pack.path)})" for pack in issue.packs)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(issue.digest),
        metadata={
            "dagster/column_lineage": column_lineage(PAGES),
            "documents": len(issue.packs),
            "printed_now": issue.printed,
            "packs": dg.MetadataValue.md(links),
            "folder": dg.MetadataValue.path(str(issue.folder)),
            "company_pack": dg.MetadataValue.url(press.link(issue.packs[0].path)),
        },
    )


def _before(books: Books, month: Month, tables: MonthTables, rules: MonthRules) -> Restated | None:
    """Return what differs from the month as it was published first, none where it never was."""
    first = books.tables.first_publication(month)
    if first is None:
        return None
    was = Published(*(first.table(name) for name in ("opportunity_snapshot", "booking_credit", "phased_targets")))
    now = Published(tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets)
    published = first.at.astimezone(ZoneInfo(rules.calendar.time_zone)).date() if first.at else None
    return Restated(restatement(was, now, month, rules), published)


def _files(pack: Pack) -> list[Document]:
    shapes = {pack.path.name: pack.sha256, **pack.other_shapes}
    return [Document(file, sha256, pack.title, pack.audience, pack.language) for file, sha256 in shapes.items()]


def _bare(title: str) -> str:
    """Return a title that cannot break out of a Markdown link."""
    return "".join(each for each in title if each.isalnum() or each in " .,-'&:")
