"""Group delivery: a month is released, then goes to the outbox and by mail to its recipients. In a backfill this group refuses to deliver."""

from collections import Counter
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from assets.failures import told
from assets.launch import BACKFILL, SCHEDULE, is_repeated, is_scheduled
from assets.metadata.tables import cell
from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.delivery.ledger import Status
from connectors.delivery.mailer import SendResult
from connectors.delivery.outbox import deliver
from publication.delivery import DeliveryService, HeldBack
from publication.release import Novelty, Release, release_of, state_of
from sales.calendar import Month

DELIVERING = ("month_end", "release")
# Of an observation of the release: that it waits, which a sensor looks for.
WAITS = "waits_for"
MOST_ROWS = 200
FOR_APPROVAL = (
    "an approval: run the job release for {month} with your name, or `onpace approve {month}`"
)


class ReleaseConfig(dg.Config):
    """Who lets a month go out."""

    approved_by: str = Field(
        default="",
        max_length=80,
        description="Your name, as the one who approves of these documents as they are: they go out at once. Left empty, a month end that was launched by hand shows what would go out, and waits.",
    )


@dg.asset(
    deps=["month_end_packs"],
    partitions_def=months,
    owners=OWNERS,
    kinds={"gate"},
    output_required=False,
)
def month_end_release(
    context: dg.AssetExecutionContext,
    config: ReleaseConfig,
    delivery_service: dg.ResourceParam[DeliveryService],
) -> Iterator[dg.MaterializeResult]:
    """Who gets what of the month, what differs from the revision before, and what holds it back.

    The schedule releases by itself, unless [delivery] needs_approval; a month end that was launched
    by hand waits here until somebody approves.
    """
    with told(context.run):
        month = Month.parse(context.partition_key)
        if refused := why_not(context.run):
            observe(context, {"why_not": refused})
            return
        # Whoever repeats a run has its configuration, and approved of nothing.
        if (name := config.approved_by.strip()) and not is_repeated(context.run):
            delivery_service.approve(month, name)
        release, by = release_of(delivery_service, month), _released_by(context, delivery_service)
        shown = {**_shown(release), "documents_digest": delivery_service.digest(month)}
        if not by or release.held:
            waits = "; ".join([*release.held, *([] if by else [FOR_APPROVAL.format(month=month)])])
            observe(context, {WAITS: waits, **shown})
        if by and release.held:
            _refuse(delivery_service, month, release)
        if by:
            yield dg.MaterializeResult(metadata={"released_by": by, **shown})


@dg.asset(
    deps=[month_end_release],
    partitions_def=months,
    owners=OWNERS,
    kinds={"file"},
    output_required=False,
)
def month_end_delivery(
    context: dg.AssetExecutionContext,
    delivery_service: dg.ResourceParam[DeliveryService],
) -> Iterator[dg.MaterializeResult]:
    """The month's packs in the outbox folder and in the mailboxes of their recipients; the same document is never delivered twice.

    What is shown is the ledger's: all that went out of the month, in whatever run.
    """
    with told(context.run):
        month = Month.parse(context.partition_key)
        released = delivery_service.digest(month)
        refused = why_not(context.run) or (
            ""
            if _released_by(context, delivery_service)
            else f"{month} waits for {FOR_APPROVAL.format(month=month)}"
        )
        if refused:
            observe(context, {"why_not": refused})
            return
        if held := delivery_service.held(month):
            raise HeldBack(f"{month} is held back: {'; '.join(held)}")
        folder = _deliver(context, delivery_service, month, released)
        yield dg.MaterializeResult(
            metadata={"folder": dg.MetadataValue.path(folder), **delivered(delivery_service, month)}
        )


def delivered(room: DeliveryService, month: Month) -> dict[str, int]:
    """Return the state of a month's delivery by outbox and ledger, as metadata."""
    state = state_of(room, month)
    return {
        "handed_over": state.handed_over,
        **{f"mails_{each.value}": state.mails[each] for each in Status},
    }


def why_not(run: dg.DagsterRun) -> str | None:
    """Return why a run must not deliver, or none: only a single run of the month end, or of its release, may."""
    if BACKFILL in run.tags:
        return "a backfill never delivers: launch month_end for the one month that is to go out, and approve what it shows"
    if run.job_name not in DELIVERING:
        return "only the jobs month_end and release deliver: launch one for the month"
    return None


def _released_by(context: dg.AssetExecutionContext, room: DeliveryService) -> str:
    """Return who lets the month out: a person who approved of these very documents, or the schedule; empty where nobody did.

    A schedule that policy lets wait is held by the release gate.
    """
    month = Month.parse(context.partition_key)
    person = room.ledger.approved_by(str(month), room.digest(month))
    return person or (context.run.tags[SCHEDULE] if is_scheduled(context.run) else "")


def _refuse(room: DeliveryService, month: Month, release: Release) -> None:
    """Tell of a month that is held back, and fail."""
    reasons = "; ".join(release.held)
    room.notify(
        month,
        f"The month end of {month} is held back",
        f"Nothing was sent for {month}: {reasons}.\n",
    )
    raise HeldBack(f"{month} is held back: {reasons}")


def _shown(release: Release) -> dict[str, dg.MetadataValue]:
    """Return a release as metadata: whoever opens the UI sees who gets which document, and no number of it."""
    count = Counter(each.novelty for each in release.documents)
    rows = [
        f"| {cell(each.address)} | {cell(each.document.title)} | {each.novelty} |"
        for each in release.documents[:MOST_ROWS]
    ]
    left = len(release.documents) - len(rows)
    table = ["| to | document | |", "| --- | --- | --- |", *rows]
    differs = (
        f"{len(release.changed_tables)} tables differ from revision {release.before}: {', '.join(release.changed_tables)}"
        if release.changed_tables
        else f"no number differs from revision {release.before}"
        if release.before
        else "this is the first revision"
    )
    return {
        "who_gets_what": dg.MetadataValue.md(
            "\n".join([*table, *([f"\n{left} more"] if left else [])])
        ),
        "what_differs": dg.MetadataValue.text(differs),
        "not_sent_yet": dg.MetadataValue.int(count[Novelty.NEW]),
        "revised_since_sent": dg.MetadataValue.int(count[Novelty.REVISED]),
        "sent_before": dg.MetadataValue.int(count[Novelty.SENT]),
        "held_back": dg.MetadataValue.text("; ".join(release.held) or "nothing holds it"),
        "warnings": dg.MetadataValue.md(
            "\n".join(f"- {cell(each)}" for each in release.warnings) or "none"
        ),
        "mail_server": dg.MetadataValue.text(
            "named"
            if release.has_mail_server
            else "none is named: set SMTP_HOST, else nothing is mailed"
        ),
    }


def _deliver(
    context: dg.AssetExecutionContext, room: DeliveryService, month: Month, released: str
) -> str:
    """Hand documents over and mail them, say in the log what did not go, and return the folder of the outbox."""
    receipt = deliver(room.workspace.published.documents(month), month, room.outbox)
    plan = room.planned(month)
    for warning in plan.warnings:
        context.log.warning(warning)
    if plan.bundles and room.smtp is None:
        context.log.warning(
            "%d mails were not sent: no mail server is named, set SMTP_HOST", len(plan.bundles)
        )
    mails = room.send(month, released=released) if room.smtp else SendResult()
    for name, reason in {**mails.refused, **mails.waiting, **mails.unknown}.items():
        context.log.warning("%s: %s", name, reason)
    context.log.info(
        "%d documents handed over now, %d mailed now", receipt.delivered, len(mails.sent)
    )
    return receipt.folder


def observe(context: dg.AssetExecutionContext, metadata: dict[str, str | dg.MetadataValue]) -> None:
    """Say why nothing was made, where the asset's page shows it; what was made before stands."""
    if "why_not" in metadata:
        context.log.warning(str(metadata["why_not"]))
    if WAITS in metadata:
        context.log.warning("%s waits for %s", context.partition_key, metadata[WAITS])
    context.log_event(
        dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata=metadata)
    )
