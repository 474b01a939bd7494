"""Group report: the documents of a month, printed and published with its tables."""

from dataclasses import fields
from typing import Any, cast

import dagster as dg
import pandas as pd

from assets.metadata.pages import PAGES
from assets.metadata.tables import UNCHANGED, column_lineage
from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.storage.publications import Publication
from publication.program import page_digest
from publication.publish import publish, unchanged_documents
from publication.run_inputs import RunInputs
from reports.document.month_tables import MonthTables
from reports.published_set import PublishedSet
from reports.publisher import Publisher
from sales.calendar import Month

NAMES = tuple(each.name for each in fields(MonthTables))


@dg.asset(
    ins={name: dg.AssetIn() for name in NAMES},
    partitions_def=months,
    owners=OWNERS,
    kinds={"jinja", "weasyprint", "pdf"},
    code_version=page_digest()[:12],
    metadata={"dagster/column_lineage": column_lineage(PAGES)},
)
def month_end_packs(
    context: dg.AssetExecutionContext,
    inputs: dg.ResourceParam[RunInputs],
    publisher: dg.ResourceParam[Publisher],
    **tables: pd.DataFrame,
) -> dg.MaterializeResult:
    """The company pack, a pack for each team and pages for each person; unchanged documents are not printed again. Publishes the month."""
    month = Month.parse(context.partition_key)
    of_month = inputs.of(month)
    standing = unchanged_documents(of_month, publisher)
    if standing is not None:
        published_set, publication = standing
        context.log.info(
            "%d documents, 0 printed: nothing changed since they were published",
            len(published_set.packs),
        )
        return _said(published_set, publisher, publication, unchanged=True)
    published_set, publication = publish(
        of_month,
        inputs.lease(month),
        MonthTables(**cast("dict[str, Any]", tables)),
        publisher,
        context.log.info,
    )
    for warning in published_set.warnings:
        context.log.warning(warning)
    published_set.refuse_failed()
    return _said(published_set, publisher, publication)


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
