"""Group delivery: packs into the outbox. Mail comes later; backfills never run this group."""

from collections.abc import Mapping

import dagster as dg

from assets.books import Books
from assets.extract import OWNERS
from assets.partitions import months
from connectors.outbox import deliver
from sales.calendar import Month


@dg.asset(deps=["month_end_packs"], partitions_def=months, owners=OWNERS, kinds={"file"})
def month_end_delivery(context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]) -> dg.MaterializeResult:
    """The month's packs in the outbox folder, with a manifest; the same document is never delivered twice."""
    month = Month.parse(context.partition_key)
    refused = why_not(context.run.job_name, context.run.tags)
    if refused:
        context.log.warning(refused)
        return dg.MaterializeResult(metadata={"delivered_now": 0, "why_not": refused})
    receipt = deliver(books.home, month)
    return dg.MaterializeResult(
        metadata={
            "delivered_now": receipt.delivered,
            "already_there": receipt.already_there,
            "folder": dg.MetadataValue.path(str(receipt.folder)),
        }
    )


def why_not(job_name: str, tags: Mapping[str, str]) -> str | None:
    """Return why a run must not deliver, or none: only a single run of the month end may."""
    if "dagster/backfill" in tags:
        return "a backfill never delivers: launch month_end for the one month that is to go out"
    if job_name != "month_end":
        return "only the month_end job delivers: launch it for the month"
    return None
