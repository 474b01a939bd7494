"""Jobs: events of the business week."""

import dagster as dg

from assets.partitions import months, weeks
from orchestration.executor import one_process

# Without it Dagster takes a logger of its own, and ours, which speaks JSON where asked, is never
# heard.
LOGS = {"loggers": {"console": {"config": {}}}}
# Deadlines of other months are watched by a sensor: a month end that went well must not fail for
# them.
DEADLINES = dg.AssetCheckKey(dg.AssetKey("month_end_delivery"), "every_month_end_was_delivered")
FLASH = dg.AssetSelection.groups("flash")
# What a month's documents are printed from.
TABLES = dg.AssetSelection.all() - dg.AssetSelection.groups("report", "delivery", "flash")
EVERYTHING = dg.AssetSelection.all() - dg.AssetSelection.checks(DEADLINES) - FLASH

month_end = dg.define_asset_job(
    "month_end",
    selection=EVERYTHING,
    partitions_def=months,
    config=LOGS,
    executor_def=one_process,
    description="The month end: read Salesforce, compute the month's tables, print the packs, and deliver them: by the schedule, or once somebody approves of what the release shows.",
)
release = dg.define_asset_job(
    "release",
    selection=dg.AssetSelection.groups("delivery"),
    partitions_def=months,
    config=LOGS,
    executor_def=one_process,
    description="Let a published month go out: with the name of whoever approves in `approved_by`; without, it shows who would get what.",
)
restatement = dg.define_asset_job(
    "restatement",
    selection=EVERYTHING - dg.AssetSelection.groups("delivery"),
    partitions_def=months,
    config=LOGS,
    executor_def=one_process,
    description="A month again, or a past month for the first time: everything but delivery.",
)
flash = dg.define_asset_job(
    "flash",
    selection=FLASH,
    partitions_def=weeks,
    config=LOGS,
    executor_def=one_process,
    description="The weekly flash: the running month on a page, as of a day of the week; the schedule mails it to those whom [flash] recipients names, by hand it is only printed.",
)
