"""Group report: the documents of a month, printed and published with its tables."""

from collections.abc import Iterator, Sequence
from dataclasses import fields

import dagster as dg
from pydantic import Field

from assets.failures import told
from assets.launch import is_repeated, is_scheduled
from assets.metadata.pages import PAGES
from assets.metadata.tables import UNCHANGED, column_lineage
from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.storage.publications import Publication
from publication.program import page_digest
from publication.publish import publish, unchanged_documents
from publication.revision_changes import changes_to
from publication.run_inputs import RunInputs
from reports.document.month_tables import MonthTables
from reports.published_set import PublishedSet
from reports.publisher import Publisher
from sales.calendar import Month
from sales.restatement.table_diff import TableChange

NAMES = tuple(each.name for each in fields(MonthTables))


class PublishConfig(dg.Config):
    """Whether what readers see of a month may be replaced."""

    replace: bool = Field(
        default=False,
        description="Let numbers that differ replace those that readers see, as a new revision. Left off, a published month whose numbers would change shows what differs, and stays as it is; the schedule needs no leave.",
    )


@dg.asset(
    deps=NAMES,
    partitions_def=months,
    owners=OWNERS,
    kinds={"jinja", "weasyprint", "pdf"},
    code_version=page_digest()[:12],
    metadata={"dagster/column_lineage": column_lineage(PAGES)},
    output_required=False,
)
def month_end_packs(
    context: dg.AssetExecutionContext,
    config: PublishConfig,
    inputs: dg.ResourceParam[RunInputs],
    publisher: dg.ResourceParam[Publisher],
) -> Iterator[dg.MaterializeResult]:
    """The company pack, a pack for each team and pages for each person; unchanged documents are not printed again. Publishes the month.

    Where the numbers of a published month would change, it shows how, and changes them with `replace` or by the schedule only.
    """
    with told(context.run):
        of_month = inputs.of(Month.parse(context.partition_key))
        standing = unchanged_documents(of_month, publisher)
        if standing is not None:
            published_set, publication = standing
            context.log.info(
                "%d documents, 0 printed: nothing changed since they were published",
                len(published_set.packs),
            )
            yield _said(published_set, publisher, publication, unchanged=True)
            return
        was = of_month.workspace.published.current(of_month.month)
        is_told_to = config.replace and not is_repeated(context.run)
        may_replace = is_told_to or is_scheduled(context.run)
        if was is not None and not may_replace:
            changes = changes_to(of_month.workspace, was)
            if changes:
                _ask(context, was, changes)
                return
        store = of_month.workspace.tables
        tables = MonthTables.among({name: store.read(name, of_month.month) for name in NAMES})
        published_set, publication = publish(
            of_month,
            inputs.lease(of_month.month),
            tables,
            publisher,
            context.log.info,
        )
        for warning in published_set.warnings:
            context.log.warning(warning)
        published_set.refuse_failed()
        yield _said(published_set, publisher, publication)


def _ask(
    context: dg.AssetExecutionContext, was: Publication, changes: Sequence[TableChange]
) -> None:
    """Show what a new revision would change, and leave the month as readers see it."""
    rows = [
        f"| {each.table} | {each.rows} | {each.new} | {each.gone} | {each.changed} | {', '.join(each.columns)} |"
        for each in changes
    ]
    head = ["| table | rows now | new | gone | changed | in columns |", "| --- |" + " --- |" * 5]
    month = context.partition_key
    waits = f"{month} stays as revision {was.revision}: {len(changes)} tables would differ. To publish these very numbers, materialize month_end_packs of {month} alone with replace: true; `onpace restate {month}` lists each line"
    context.log.warning(waits)
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            partition=month,
            metadata={
                "waits_for": waits,
                "what_would_differ": dg.MetadataValue.md("\n".join([*head, *rows])),
            },
        )
    )


def _said(
    published_set: PublishedSet,
    publisher: Publisher,
    publication: Publication,
    *,
    unchanged: bool = False,
) -> dg.MaterializeResult:
    links = "\n".join(
        f"- [{_bare(pack.title)} ({pack.kind})]({publisher.link(pack.path)})"
        for pack in published_set.packs
    )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(published_set.digest),
        metadata={
            "company_pack": dg.MetadataValue.url(publisher.link(published_set.packs[0].path)),
            "documents": len(published_set.packs),
            "printed_now": published_set.printed,
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


def _bare(title: str) -> str:
    """Return a title that cannot break out of a Markdown link."""
    return "".join(each for each in title if each.isalnum() or each in " .,-'&:")
