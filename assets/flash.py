"""Group flash: the page of the running month, printed as of a day of a week, and mailed. It freezes no month and none rests on it."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
from pydantic import Field

from assets.delivery import observe
from assets.external import EXTERNAL
from assets.failures import told
from assets.launch import BACKFILL, is_repeated, is_scheduled
from assets.monthly_table import OWNERS
from assets.partitions import weeks
from connectors.delivery.ledger import Status
from publication.delivery import DeliveryService
from publication.flash import compute_flash, print_flash, weekday
from publication.flash_delivery import FlashDelivery
from publication.run_inputs import RunInputs
from publication.stored_flash import folder_of
from publication.workspace import Workspace
from reports.publisher import Publisher


class FlashConfig(dg.Config):
    """Who lets a flash go out that no schedule launched."""

    mailed_by: str = Field(
        default="",
        max_length=80,
        description="Your name, as the one who has this flash mailed now, to those whom [flash] recipients names. Left empty, a flash that was launched by hand is printed, and nobody is mailed.",
    )


def day_of(workspace: Workspace, week: str) -> date:
    """Return the day whose flash a week has, by [flash] weekday."""
    return date.fromisoformat(week) + timedelta(days=weekday(workspace))


@dg.asset(
    deps=[each.key for each in EXTERNAL],
    partitions_def=weeks,
    owners=OWNERS,
    kinds={"jinja", "weasyprint", "pdf"},
)
def weekly_flash(
    context: dg.AssetExecutionContext,
    inputs: dg.ResourceParam[RunInputs],
    publisher: dg.ResourceParam[Publisher],
) -> dg.MaterializeResult:
    """A page for the company, each team and each person about the running month, as of the midnight at which the day of [flash] weekday begins.

    Read from the first extract that reaches that midnight, else from Salesforce now. It chooses no
    extract for a month end and writes no monthly table.
    """
    with told(context.run):
        workspace = inputs.workspace
        day = day_of(workspace, context.partition_key)
        found = compute_flash(workspace, day, context.log.info)
        paths = list(print_flash(workspace, found, publisher))
    company = next(
        row
        for row in found.tables.target_attainment.to_dict("records")
        if (row["grain"], row["period_kind"]) == ("company", "month")
    )
    return dg.MaterializeResult(
        metadata={
            "day": str(day),
            "month_to_date": str(found.inputs.month),
            "booked_to_date": float(company["bookings"]),
            "documents": len(paths),
            "folder": dg.MetadataValue.path(folder_of(workspace.home, day)),
        }
    )


@dg.asset(
    deps=[weekly_flash],
    partitions_def=weeks,
    owners=OWNERS,
    kinds={"email"},
    output_required=False,
)
def weekly_flash_delivery(
    context: dg.AssetExecutionContext,
    config: FlashConfig,
    delivery_service: dg.ResourceParam[DeliveryService],
) -> Iterator[dg.MaterializeResult]:
    """The flash in the mailboxes of those whom [flash] recipients names; nobody gets the same page twice.

    The schedule mails by itself; a flash that was launched by hand is mailed with `mailed_by` only,
    and a backfill mails nobody.
    """
    with told(context.run):
        day = day_of(delivery_service.workspace, context.partition_key)
        flash = FlashDelivery(delivery_service, day)
        release = flash.release()
        for warning in release.warnings:
            context.log.warning(warning)
        is_told_to = bool(config.mailed_by.strip()) and not is_repeated(context.run)
        if BACKFILL in context.run.tags or not (is_scheduled(context.run) or is_told_to):
            why = f"{day} is printed and not mailed: launch flash for the week with your name in mailed_by, or run `onpace deliver {day} --flash`"
            observe(context, {"why_not": why})
            return
        if not release.documents and not delivery_service.workspace.policies.newest.flash.post:
            why = f"nobody gets a flash of {day}: name packs in [flash] recipients of the policy"
            observe(context, {"why_not": why})
            return
        # A chat that is down keeps no mail back.
        done = flash.send()
        flash.post()
        for name, reason in {**done.refused, **done.waiting, **done.unknown}.items():
            context.log.warning("%s: %s", name, reason)
        states = [each.status for each in flash.records()]
        yield dg.MaterializeResult(
            metadata={
                "day": str(day),
                **{f"mails_{each.value}": states.count(each) for each in Status},
            }
        )
