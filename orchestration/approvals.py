"""Month ends that wait for an approval: released once somebody approves, on the terminal or in the UI.

Put here what follows an approval. What is approved are documents as they are: other ones wait again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from assets.delivery import WAITS, month_end_release
from assets.partitions import months
from orchestration.jobs import release
from orchestration.resources import make_delivery_service
from publication.delivery import DeliveryService
from sales.calendar import Month
from sales.errors import UserError

MOST_MONTHS = 24  # that are looked back on, of those that are published
NEWEST = 20  # observations of a month that are looked through


@dg.sensor(
    job=release,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Twice a minute: lets a month end go out that waits for an approval, once `onpace approve` noted somebody's approval of its documents as they are.",
)
def approved_month_ends(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Launch `release` for each month that waits and was approved; what fails is tried again the next day."""
    room, requests = make_delivery_service(), list[dg.RunRequest]()
    for month in sorted(room.workspace.published.months())[-MOST_MONTHS:]:
        try:
            digest = _approved(context.instance, room, month)
        except UserError as fault:  # of one month, which must not hold up the others
            context.log.warning("%s cannot be released: %s", month, fault)
            continue
        if digest:
            day = datetime.now(UTC).date()
            requests.append(
                dg.RunRequest(run_key=f"{month} {digest} {day}", partition_key=str(month))
            )
    yield from requests
    if not requests:
        yield dg.SkipReason("no month end that waits was approved")


def _approved(instance: dg.DagsterInstance, room: DeliveryService, month: Month) -> str:
    """Return the digest of a month's documents where somebody approved of them, its release waits, and nothing else holds it; else nothing."""
    if not months.has_partition_key(str(month)):
        return ""
    digest = room.digest(month)
    if not room.ledger.approved_by(str(month), digest) or not _waits(instance, month):
        return ""
    is_whole, _ = room.deliveries().get(month, (False, None))
    return "" if is_whole or room.held(month) else digest


def _waits(instance: dg.DagsterInstance, month: Month) -> bool:
    """Return whether the release of a month waits: it was shown, and not released since."""
    asset, partitions = month_end_release.key, [str(month)]
    seen = instance.fetch_observations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=partitions), limit=NEWEST
    )
    shown = [
        each.storage_id
        for each in seen.records
        if each.asset_observation and WAITS in each.asset_observation.metadata
    ]
    if not shown:
        return False
    later = dg.AssetRecordsFilter(
        asset_key=asset, asset_partitions=partitions, after_storage_id=max(shown)
    )
    return not instance.fetch_materializations(later, limit=1).records
