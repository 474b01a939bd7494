"""The code location: everything Dagster knows of Onpace.

Loading it reads no folder, database or variable; what a run needs is read when it begins.
"""

import dagster as dg

from assets import (
    coverage,
    delivery,
    external,
    extract,
    flash,
    forecast,
    history,
    inputs,
    quality,
    report,
    targets,
)
from orchestration import jobs
from orchestration.approvals import approved_month_ends
from orchestration.delivery_watch import every_month_end_was_delivered, undelivered_month_ends
from orchestration.executor import one_process
from orchestration.io_managers import DeltaTables
from orchestration.live_runs import waiting_runs
from orchestration.loggers import console_logger, terminal_logger
from orchestration.run_resources import (
    DeliveryServiceResource,
    PublisherResource,
    RunInputsResource,
)
from orchestration.schedules import flash_schedule, month_end_schedule
from orchestration.sensors import failed_flash, failed_month_end

GROUPS = (extract, inputs, history, targets, coverage, forecast, quality, report, delivery, flash)


def build_defs(**overrides: object) -> dg.Definitions:
    """Return the definitions; `overrides` replace resources by name, for tests and for runs of the terminal."""
    return dg.Definitions(
        assets=[
            *external.EXTERNAL,
            *dg.with_source_code_references(
                [
                    asset
                    for module in GROUPS
                    for asset in dg.load_assets_from_modules(
                        [module], group_name=module.__name__.split(".")[-1]
                    )
                ]
            ),
        ],
        jobs=[jobs.month_end, jobs.release, jobs.restatement, jobs.flash],
        schedules=[month_end_schedule, flash_schedule],
        sensors=[
            failed_month_end,
            failed_flash,
            approved_month_ends,
            undelivered_month_ends,
            waiting_runs,
        ],
        asset_checks=[every_month_end_was_delivered],
        resources={
            "inputs": RunInputsResource(),
            "publisher": PublisherResource(),
            "delivery_service": DeliveryServiceResource(),
            "io_manager": DeltaTables(),
            **overrides,
        },
        loggers={"console": console_logger, "terminal": terminal_logger},
        executor=one_process,
    )


defs = build_defs()
