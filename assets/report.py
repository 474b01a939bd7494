"""Group report: the month-end packs as PDF."""

from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from assets.metadata.pages import PAGES
from assets.metadata.tables import UNCHANGED, column_lineage
from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.storage.document_ledger import Document
from connectors.storage.publications import Publication
from publication.fingerprints import program
from publication.month_inputs import Books
from reports.document.month_data import MonthTables
from reports.month_end import Restated
from reports.publisher import Issue, Pack, Press
from sales.calendar import Month
from sales.policy.rules import MonthRules
from sales.restatement.restatement import Published, restatement


@dg.asset(
    partitions_def=months,
    owners=OWNERS,
    kinds={"jinja", "weasyprint", "pdf"},
    code_version=program()[:12],
    metadata={"dagster/column_lineage": column_lineage(PAGES)},
)
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
        opportunity_snapshot,
        booking_credit,
        phased_targets,
        monthly_bookings,
        target_attainment,
        pipeline_coverage,
        pipeline_movement,
        closing_plan,
        data_quality,
        landing_forecast,
        client_phasing,
        pipeline_generation,
        forecast_track_record,
        phasing_check,
        target_padding,
        bottom_up_plan,
    )
    record, publication = books.record(month), books.published.current(month)
    standing = press.standing(month)
    if (
        publication
        and standing
        and (record.extract_id, standing.digest) == (publication.extract_id, publication.documents)
        and books.stands(month)
    ):
        context.log.info(
            "%d documents, 0 printed: nothing changed since they were published",
            len(standing.packs),
        )
        return _said(standing, press, publication, unchanged=True)
    rules = books.rules(month)
    issue = press.publish(
        tables,
        month,
        rules,
        record.source,
        context.log.info,
        readers=books.readers(month),
        before=_before(books, month, tables, rules),
    )
    for remark in issue.remarks:
        context.log.warning(remark)
    books.ledger.record(month, [each for pack in issue.packs for each in _files(pack)], books.now())
    publication = books.published.publish(
        month, record.extract_id, books.now(), issue.digest, _made_from(books, month, issue)
    )
    issue.refuse_failed()
    return _said(issue, press, publication)


def _made_from(books: Books, month: Month, issue: Issue) -> str:
    """Return the recipe of the month, none where a document is missing or a table was made from something else: it must be made again."""
    return (
        ""
        if issue.failed or not books.recipes.are_current(month)
        else books.recipes.of_month(month)
    )


def _said(
    issue: Issue, press: Press, publication: Publication, *, unchanged: bool = False
) -> dg.MaterializeResult:
    links = "\n".join(
        f"- [{_bare(pack.title)} ({pack.kind})]({press.link(pack.path)})" for pack in issue.packs
    )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(issue.digest),
        metadata={
            "company_pack": dg.MetadataValue.url(press.link(issue.packs[0].path)),
            "documents": len(issue.packs),
            "printed_now": issue.printed,
            "revision": publication.revision,
            "packs": dg.MetadataValue.md(links),
            **(
                {
                    UNCHANGED: "made from the same inputs as when they were published; not printed again"
                }
                if unchanged
                else {}
            ),
        },
    )


def _before(books: Books, month: Month, tables: MonthTables, rules: MonthRules) -> Restated | None:
    """Return what differs from the month as it was published first, none where it never was."""
    first = books.published.first(month)
    if first is None or not first.tables.keys() >= set(
        Published.NEEDED
    ):  # the first version of this program made fewer tables
        return None
    was = Published(*(books.published.table(first, name) for name in Published.NEEDED))
    now = Published(tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets)
    published = first.at.astimezone(ZoneInfo(rules.calendar.time_zone)).date() if first.at else None
    return Restated(restatement(was, now, month, rules), published)


def _files(pack: Pack) -> list[Document]:
    shapes = {pack.path.name: pack.sha256, **pack.other_shapes}
    return [
        Document(file, sha256, pack.title, pack.audience, pack.language)
        for file, sha256 in shapes.items()
    ]


def _bare(title: str) -> str:
    """Return a title that cannot break out of a Markdown link."""
    return "".join(each for each in title if each.isalnum() or each in " .,-'&:")
