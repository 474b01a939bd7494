"""How tables move between assets: through the Delta store, a month at a time."""

import dagster as dg
import pandas as pd

from assets.metadata.tables import FINGERPRINT, digest
from connectors.storage.monthly_tables import TableStore
from connectors.storage.raw_tables import RawTables
from orchestration.resources import catalogue
from sales.calendar import Month
from sales.contracts.published import MONTHLY


class DeltaTables(dg.ConfigurableIOManager):
    """Monthly tables replace their month in one commit; the target book becomes a new version when it changes."""

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | None) -> None:
        """Store what an asset returned."""
        if obj is None:
            return
        name, store = context.asset_key.path[-1], TableStore(catalogue())
        fingerprint = context.output_metadata.get(FINGERPRINT)
        note = {
            "run_id": context.run_id,
            "digest": digest(obj),
            **({FINGERPRINT: str(fingerprint.value)} if fingerprint else {}),
        }
        if name in MONTHLY:
            store.write(name, Month.parse(context.asset_partition_key), obj, note)
        else:
            RawTables(catalogue()).write(name, obj, note)

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """Read the month that an earlier asset stored."""
        return TableStore(catalogue()).read(
            context.asset_key.path[-1], Month.parse(context.asset_partition_key)
        )
