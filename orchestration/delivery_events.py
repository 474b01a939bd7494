"""What the UI shows of a delivery that no run of Dagster made, or that one failed after: the ledger's state, as an event.

Put telling Dagster of deliveries here; what was delivered is asked of outbox and ledger.
"""

import dagster as dg

from assets.delivery import delivered, month_end_delivery
from connectors.delivery.ledger import Status
from publication.delivery import DeliveryService
from sales.calendar import Month


def show_delivery(instance: dg.DagsterInstance, room: DeliveryService, month: Month) -> bool:
    """Let the asset's page show what went out of a month, and return whether anything did."""
    state = delivered(room, month)
    if any(state.values()):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(month_end_delivery.key, partition=str(month), metadata=state)
        )
    return bool(state["handed_over"] or state[f"mails_{Status.SENT}"])
