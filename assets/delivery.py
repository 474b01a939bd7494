"""Group delivery: packs into the outbox, and by mail to their recipients. In a backfill this group refuses to deliver."""

from collections.abc import Mapping

import dagster as dg

from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.delivery.mailer import SendResult
from connectors.delivery.outbox import deliver
from publication.delivery import DeliveryService, HeldBack
from sales.calendar import Month


@dg.asset(deps=["month_end_packs"], partitions_def=months, owners=OWNERS, kinds={"file"})
def month_end_delivery(
    context: dg.AssetExecutionContext,
    delivery_service: dg.ResourceParam[DeliveryService],
) -> dg.MaterializeResult:
    """The month's packs in the outbox folder and in the mailboxes of their recipients; the same document is never delivered twice."""
    month = Month.parse(context.partition_key)
    refused = why_not(context.run.job_name, context.run.tags)
    if refused:
        context.log.warning(refused)
        return dg.MaterializeResult(metadata={"delivered_now": 0, "why_not": refused})
    if held := delivery_service.held(month):
        delivery_service.notify(
            month,
            f"The month end of {month} is held back",
            f"Nothing was sent for {month}: {'; '.join(held)}.\n",
        )
        raise HeldBack(f"{month} is held back: {'; '.join(held)}")
    receipt = deliver(
        delivery_service.workspace.published.documents(month), month, delivery_service.outbox
    )
    plan = delivery_service.planned(month)
    for warning in plan.warnings:
        context.log.warning(warning)
    if plan.bundles and delivery_service.smtp is None:
        context.log.warning(
            "%d mails were not sent: no mail server is named, set SMTP_HOST", len(plan.bundles)
        )
    mails = delivery_service.send(month) if delivery_service.smtp else SendResult()
    for name, reason in {**mails.refused, **mails.waiting, **mails.unknown}.items():
        context.log.warning("%s: %s", name, reason)
    return dg.MaterializeResult(
        metadata={
            "delivered_now": receipt.delivered,
            "already_there": receipt.already_there,
            "folder": dg.MetadataValue.path(receipt.folder),
            "mailed_now": len(mails.sent),
            "mailed_before": len(mails.already),
            "refused": len(mails.refused),
            "waiting": len(mails.waiting),
            "unknown": len(mails.unknown),
            "revised": len(mails.revised),
        }
    )


def why_not(job_name: str, tags: Mapping[str, str]) -> str | None:
    """Return why a run must not deliver, or none: only a single run of the month end may."""
    if "dagster/backfill" in tags:
        return "a backfill never delivers: launch month_end for the one month that is to go out"
    if job_name != "month_end":
        return "only the month_end job delivers: launch it for the month"
    return None
