"""Group extract: Salesforce and the target book, as they were read."""

import time
from collections.abc import Callable, Iterator

import dagster as dg
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from assets.failures import told
from assets.launch import is_scheduled
from assets.metadata.lineage import LINEAGE
from assets.metadata.tables import TABLE, described, of_columns
from assets.monthly_table import OWNERS
from assets.partitions import months
from connectors.salesforce.refusals import SalesforceUnavailable
from connectors.storage.extract_record import ExtractRecord
from publication.extract_selection import resolve_extract
from publication.pull_options import PullOptions
from publication.run_inputs import RunInputs
from sales.calendar import Month
from sales.contracts.raw import RAW

# A table that an extract of an earlier version of this program does not have: it has no rows.
ABSENT = -1
# A month end that was due at 07:00 asks until 11:00 before a person is called.
ATTEMPTS, BETWEEN = 17, 15 * 60  # seconds
pause = time.sleep  # a termination ends it
FROM_SALESFORCE = [name for name in RAW if name != "raw_targets"]


def behind(name: str) -> list[dg.AssetKey]:
    """Return the assets that a raw table is read from."""
    return [
        dg.AssetKey.from_user_string(each)
        for each in sorted({asset for parents in LINEAGE[name].values() for asset, _ in parents})
    ]


class PullConfig(PullOptions, dg.Config):
    """How the month gets its extract; left as it is, the one that the month was published from serves, else a recent pull."""


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            name,
            deps=behind(name),
            owners=OWNERS,
            kinds={"salesforce", "deltalake"},
            skippable=True,
            metadata=of_columns(name),
            description=f"{RAW[name].__doc__} As Salesforce answered; each reading that changed something is a version, and each month names the one it used.",
        )
        for name in FROM_SALESFORCE
    ],
    can_subset=False,
    name="salesforce_extract",
    partitions_def=months,
)
def salesforce_extract(
    context: dg.AssetExecutionContext, config: PullConfig, inputs: dg.ResourceParam[RunInputs]
) -> Iterator[dg.MaterializeResult]:
    """Read Salesforce, or use an extract that already serves the month: the published one, our own copy, or a recent pull."""
    with told(context.run):
        month = Month.parse(context.partition_key)
        inputs.lease(month)
        record = _through_outages(
            context,
            lambda: resolve_extract(inputs.workspace, month, context.log.info, config),
        )
    for name in FROM_SALESFORCE:
        yield dg.MaterializeResult(
            asset_key=name,
            data_version=dg.DataVersion(f"{record.extract_id}-{record.versions.get(name, ABSENT)}"),
            metadata={
                "dagster/row_count": record.rows.get(name, 0),
                "extract": record.extract_id,
                "extracted_at": record.extracted_at.isoformat(),
                "version": record.versions.get(name, ABSENT),
                "read": record.pull.how,
                "requests": record.pull.requests,
                "api_usage": record.pull.api_usage,
                "findings": dg.MetadataValue.md(
                    "\n".join(
                        f"- {_plain(place)}: {_plain(meaning)}"
                        for place, meaning in record.findings
                    )
                    or "none"
                ),
            },
        )


def _through_outages(
    context: dg.AssetExecutionContext, work: Callable[[], ExtractRecord]
) -> ExtractRecord:
    """Return what `work` returns; a scheduled run, which nobody waits for, asks Salesforce again through the morning.

    A retry policy of Dagster would try everything again, an interruption too.
    """
    again = Retrying(
        retry=retry_if_exception_type(SalesforceUnavailable),
        stop=stop_after_attempt(ATTEMPTS if is_scheduled(context.run) else 1),
        wait=wait_fixed(BETWEEN),
        before_sleep=lambda state: context.log.warning(
            "%s; it is asked again in %d minutes",
            state.outcome.exception() if state.outcome else "",
            BETWEEN // 60,
        ),
        sleep=pause,
        reraise=True,
    )
    return again(work)


def _plain(text: str) -> str:
    """Return one line that is no Markdown."""
    return (
        " ".join(text.split())
        .replace("|", "/")
        .replace("<", "&lt;")
        .replace("[", "(")
        .replace("]", ")")[:300]
    )


@dg.asset(
    deps=behind("raw_targets"),
    partitions_def=months,
    owners=OWNERS,
    kinds={"csv", "deltalake"},
    dagster_type=TABLE,
    metadata=of_columns("raw_targets"),
)
def raw_targets(
    context: dg.AssetExecutionContext, inputs: dg.ResourceParam[RunInputs]
) -> dg.MaterializeResult:
    """The target book: annual targets by owner, year and revision, with owners found among the users."""
    with told(context.run):
        return described(inputs.of(Month.parse(context.partition_key)).target_book)
