"""Group delivery: packs into the outbox. Mail comes later; backfills never run this group."""

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
    receipt = deliver(books.home, month)
    return dg.MaterializeResult(
        metadata={
            "delivered_now": receipt.delivered,
            "already_there": receipt.already_there,
            "folder": dg.MetadataValue.path(str(receipt.folder)),
        }
    )
