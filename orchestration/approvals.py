"""Month ends that wait for an approval: released once somebody approves, on the terminal or in the UI.

Put here what follows an approval. What is approved are documents as they are: other ones wait again.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from assets.delivery import DIGEST, WAITS, month_end_release
from orchestration.jobs import release
from orchestration.resources import make_delivery_service
from sales.calendar import Month

MOST_WAITING = 24


@dg.sensor(
    job=release,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Twice a minute: lets a month end go out that waits for an approval, once `onpace approve` noted one of its documents as they are.",
)
def approved_month_ends(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Launch `release` for each month that waits and was approved, once for the same documents."""
    waiting = _waiting(context.instance)
    if not waiting:
        yield dg.SkipReason("no month end waits for an approval")
        return
    room, found = make_delivery_service(), False
    for month, digest in waiting.items():
        if room.digest(month) == digest and room.ledger.approved_by(str(month), digest):
            found = True
            yield dg.RunRequest(run_key=f"{month} {digest}", partition_key=str(month))
    if not found:
        yield dg.SkipReason(f"nobody approved yet of {', '.join(map(str, waiting))}")


def _waiting(instance: dg.DagsterInstance) -> dict[Month, str]:
    """Return the months whose release waits, each with the digest of the documents that it showed."""
    looked_at = instance.fetch_observations(month_end_release.key, limit=MOST_WAITING)
    found: dict[Month, str] = {}
    for record in looked_at.records:  # the newest first
        seen, partition = record.asset_observation, record.partition_key
        if seen is None or partition is None or Month.parse(partition) in found:
            continue
        if WAITS not in seen.metadata:
            continue
        of_month = dg.AssetRecordsFilter(
            asset_key=month_end_release.key,
            asset_partitions=[partition],
            after_storage_id=record.storage_id,
        )
        if not instance.fetch_materializations(of_month, limit=1).records:
            found[Month.parse(partition)] = str(seen.metadata[DIGEST].value)
    return found
