"""The code location: everything Dagster knows of Onpace."""

import gc

import dagster as dg

from assets import coverage, delivery, extract, forecast, history, quality, report, targets
from assets import external as sources
from orchestration.delivery_watch import every_month_end_was_delivered, undelivered_month_ends
from orchestration.io_managers import DeltaTables
from orchestration.jobs import month_end, restatement
from orchestration.json_logs import console_logger
from orchestration.loggers import terminal_logger
from orchestration.resources import BooksResource, MailroomResource, PressResource
from orchestration.schedules import month_end_schedule
from orchestration.sensors import failed_month_end

GROUPS = (extract, history, targets, coverage, forecast, quality, report, delivery)

defs = dg.Definitions(
    assets=[
        *sources.EXTERNAL,
        *(
            asset
            for module in GROUPS
            for asset in dg.load_assets_from_modules(
                [module], group_name=module.__name__.split(".")[-1]
            )
        ),
    ],
    jobs=[month_end, restatement],
    schedules=[month_end_schedule],
    sensors=[failed_month_end, undelivered_month_ends],
    asset_checks=[every_month_end_was_delivered],
    resources={
        "books": BooksResource(),
        "press": PressResource(),
        "mailroom": MailroomResource(),
        "io_manager": DeltaTables(),
    },
    loggers={"console": console_logger, "terminal": terminal_logger},
)
# What was imported lives as long as the process: the end of every run's process would look through
# all of it once more.
gc.freeze()
