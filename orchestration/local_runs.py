"""Running a month in this process, with Dagster recording it.

Put execution from the terminal here; what is run is `jobs`, what is said is `app.cli`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

import dagster as dg

from assets.metadata.tables import UNCHANGED
from connectors.policy.csv_rows import InvalidPolicyTable
from connectors.salesforce.auth import LoginRefused, MissingSetting, NotLocal
from connectors.salesforce.cells import UnreadableValue
from connectors.salesforce.extract_writer import VanishedRecords
from connectors.salesforce.refusals import (
    DailyLimitReached,
    IncompleteAnswer,
    RequestRefused,
    SalesforceUnavailable,
)
from connectors.salesforce.schema import RetypedField
from connectors.salesforce.source import MissingField, MissingObject
from connectors.storage.extracts import AnotherOrganization
from connectors.storage.files import UnusableHome, full_disk
from orchestration import run_tags
from orchestration.code_location import belonging_here
from orchestration.definitions import build_defs, defs
from orchestration.instance import dagster_instance
from orchestration.json_logs import say
from orchestration.live_runs import end_dead_runs, present
from orchestration.resources import make_publisher
from publication.extract_selection import is_current
from publication.preconditions import refuse_another, refuse_clearly_open
from publication.publish import published_documents, show
from publication.pull_options import LONGEST_HOURS, PullOptions
from publication.run_inputs import RunInputs, no_note
from publication.workspace import Workspace
from reports.document.theme import InvalidLogo
from sales.calendar import Month
from sales.delivery.recipients import InvalidRecipients
from sales.errors import UserError
from sales.policy.sections import InvalidPolicy

ABOUT_EVERY_MONTH = (
    SalesforceUnavailable,
    LoginRefused,
    RequestRefused,
    DailyLimitReached,
    IncompleteAnswer,
    MissingSetting,
    NotLocal,
    MissingField,
    MissingObject,
    RetypedField,
    UnreadableValue,
    VanishedRecords,
    InvalidPolicy,
    InvalidPolicyTable,
    InvalidLogo,
    InvalidRecipients,
    AnotherOrganization,
    UnusableHome,
)


EXTRACT, PACKS = dg.AssetKey("raw_opportunities"), dg.AssetKey("month_end_packs")
# Delivery belongs to the month end as a whole.
NEVER_ALONE = {
    "delivery",
    "month_end_release",
    "month_end_delivery",
    "flash",
    "weekly_flash",
    "weekly_flash_delivery",
}


class UnknownAsset(UserError, LookupError):
    """A name stands for no asset that can be computed alone."""


class RunFailed(UserError, RuntimeError):
    """A run did not succeed for a reason that is not in the input."""


@dataclass
class Outcome:
    """What became of several months: those done, those that stood as they were, and the reason of each that failed."""

    unchanged: list[Month] = field(default_factory=list)
    done: list[Month] = field(default_factory=list)
    failed: dict[Month, UserError] = field(default_factory=dict)


def run_month(
    job_name: str,
    month: Month,
    workspace: Workspace,
    instance: dg.DagsterInstance,
    options: PullOptions,
    only: dg.AssetSelection | None = None,
    why: str = "",
    approved_by: str = "",
) -> None:
    """Run a job for a month, or only some of its assets; raises the `UserError` of the step that failed.

    Commands that must ask first have asked. `why` is the command that a person gave; a month end goes out only where `approved_by` names who
    lets it.
    """
    job = _definitions(workspace).resolve_job_def(job_name)
    keys = _selected(only) if only else None
    reads, prints = (keys is None or each in keys for each in (EXTRACT, PACKS))
    steps = {
        **({"salesforce_extract": {"config": options.model_dump()}} if reads else {}),
        **({"month_end_packs": {"config": {"replace": True}}} if prints else {}),
        **({"month_end_release": {"config": {"approved_by": approved_by}}} if approved_by else {}),
    }
    config = {"loggers": {"terminal": {"config": {}}}, "ops": steps}
    end_dead_runs(instance, workspace.leases)
    with _faults(month), present(job_name, month, workspace) as (run_id, sign_of_life):
        job.execute_in_process(
            run_config=config,
            partition_key=str(month),
            instance=belonging_here(instance, job_name),
            run_id=run_id,
            tags={**run_tags.of_command(why or f"{job_name} {month}"), **sign_of_life},
            asset_selection=sorted(keys, key=str) if keys else None,
        )


@lru_cache(maxsize=1)
def _definitions(workspace: Workspace) -> dg.Definitions:
    """Return the definitions for a workspace that this process has open already: what it holds in memory serves every run."""

    def begin(context: dg.InitResourceContext) -> Iterator[RunInputs]:
        tell = context.log.info if context.log else say
        instance, run = context.instance, context.run
        noted = partial(run_tags.note, instance, run.run_id) if instance and run else no_note
        with RunInputs(workspace, "a run of the command line", tell, noted) as inputs:
            yield inputs

    inputs = dg.ResourceDefinition(begin)
    return build_defs(inputs=inputs, publisher=make_publisher(workspace))


def selection_of(names: Sequence[str]) -> dg.AssetSelection:
    """Return the assets that names of groups or tables stand for; raises `UnknownAsset`."""
    graph = defs.resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.executable_asset_keys}
    groups = {graph.get(key).group_name for key in graph.executable_asset_keys}
    chosen = dg.AssetSelection.keys()
    for name in names:
        if name not in keys | groups or name in NEVER_ALONE:
            near = difflib.get_close_matches(name, keys | groups, 1)
            meant = f"; did you mean {near[0]!r}?" if near and near[0] not in NEVER_ALONE else ""
            raise UnknownAsset(
                f"{name[:60]!r} is no group and no table that can be computed alone{meant}; groups are {', '.join(sorted(groups - NEVER_ALONE))}"
            )
        chosen |= dg.AssetSelection.groups(name) if name in groups else dg.AssetSelection.keys(name)
    return chosen


def _selected(only: dg.AssetSelection) -> set[dg.AssetKey]:
    return set(only.required_multi_asset_neighbors().resolve(defs.resolve_asset_graph()))


def note_unchanged(month: Month, workspace: Workspace, instance: dg.DagsterInstance) -> bool:
    """Return whether a month stands as published, with all its documents; then the UI is told so, and no run is needed."""
    pinned = workspace.extracts.pinned(month)
    if pinned is None or not is_current(workspace, month):
        return False
    refuse_another(workspace, pinned)
    publisher = make_publisher(workspace)
    if published_documents(workspace, month, publisher) is None:
        return False
    with RunInputs(workspace, "a look at what is published", say) as inputs:
        inputs.lease(month)
        show(workspace, month, publisher)
    words = (
        "everything that decides about it is as it was when it was published; nothing was computed"
    )
    instance.report_runless_asset_event(
        dg.AssetObservation("month_end_packs", partition=str(month), metadata={UNCHANGED: words})
    )
    return True


@contextmanager
def _faults(month: Month) -> Iterator[None]:
    try:
        yield
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    except UserError:
        raise
    except Exception as failed:
        cause: BaseException | None = failed
        while cause is not None:
            if isinstance(cause, UserError):
                raise cause from None
            cause = cause.__cause__
        raise RunFailed(
            f"the run of {month} failed: {' '.join(str(failed).split())[:300]}; see the run in the UI (onpace ui)"
        ) from failed


def shared_hours(workspace: Workspace, since: datetime) -> float:
    """Return how old a pull may be that serves a further month: any age where the newest was stored since a moment, else none."""
    latest = workspace.extracts.latest()
    is_new = latest is not None and (latest.stored_at or latest.extracted_at) >= since
    return float(LONGEST_HOURS) if is_new else 0.0


def backfill(
    months: Sequence[Month],
    workspace: Workspace,
    begin: Callable[[Month], None],
    *,
    fresh: bool = False,
) -> Outcome:
    """Run every month without delivery, from one pull; a month that fails leaves the others standing.

    A fault that would meet every month (no login, a broken policy) ends the backfill; what was done
    stays done.
    """
    outcome, started = Outcome(), workspace.now()
    with dagster_instance() as instance:
        for month in months:
            # The first month pulls where it must; a pull made since then serves the others.
            hours = shared_hours(workspace, started)
            try:
                refuse_clearly_open(workspace, month)
                if not fresh and note_unchanged(month, workspace, instance):
                    outcome.unchanged.append(month)
                    continue
                begin(month)
                run_month(
                    "restatement",
                    month,
                    workspace,
                    instance,
                    PullOptions(fresh=fresh, shared_pull_hours=hours),
                    why="onpace backfill",
                )
            except UserError as met:
                said = full_disk(met, workspace.home)
                fault = UnusableHome(said) if said else met
                outcome.failed[month] = fault
                if isinstance(fault, ABOUT_EVERY_MONTH):
                    break
            else:
                outcome.done.append(month)
    return outcome
