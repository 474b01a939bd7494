"""A code location that loads at once: a job of one month with our executor."""

import dagster as dg

from orchestration.executor import one_process

months = dg.MonthlyPartitionsDefinition(start_date="2026-01", fmt="%Y-%m")


@dg.op
def say(context: dg.OpExecutionContext) -> None:
    context.log.info("the month is %s", context.partition_key)


@dg.job(partitions_def=months, executor_def=one_process)
def small() -> None:
    say()


defs = dg.Definitions(jobs=[small])
