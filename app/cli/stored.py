"""`onpace check --stored`: what is damaged of all that a home keeps, and bringing it back."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

from app.cli.months import report_again
from app.console import err, out
from connectors.storage.files import close_to_others, open_to_others
from orchestration import resources
from orchestration.instance import dagster_instance
from orchestration.json_logs import say
from orchestration.pruning import prunable, prune
from publication.retention import (
    forget_extracts,
    forget_revisions,
    forgettable_extracts,
    forgettable_revisions,
)
from publication.stored_check import Cure, Damage, clear_the_way, examine, repair, unreferenced
from publication.workspace import Workspace
from sales.errors import UserError


def check_stored(*, with_repair: bool) -> int:
    """Print what is damaged, bring it back where asked to, and return the exit code: 1 if anything is damaged after that."""
    workspace = resources.make_workspace()
    if with_repair:
        clear_the_way(workspace.home)
    found = list(examine(workspace))
    _say(found, workspace)
    if with_repair and found:
        _bring_back(found, workspace)
        # What was computed again lies in other files than this process knows of.
        workspace = resources.make_workspace()
        found = list(examine(workspace))
        out.print("After the repair:")
        _say(found, workspace)
    if with_repair:
        for path in open_to_others(workspace.home):
            close_to_others(path)
    return int(bool(found))


def prune_home(*, days: int, is_sure: bool) -> None:
    """Print what may be forgotten of runs that are over for so many days, of extracts and of revisions, and forget it where one is sure."""
    workspace = resources.make_workspace()
    service = resources.make_delivery_service(workspace)
    retention = workspace.policies.newest.retention
    with dagster_instance() as instance:
        runs = prunable(instance, workspace.now(), timedelta(days=days))
        if is_sure:
            prune(instance, runs)
    revisions = forgettable_revisions(workspace, service.ledger, service.outbox)
    if is_sure:
        forget_revisions(workspace, service.ledger, service.outbox, revisions)
    # What a revision rested on may be forgotten after it.
    extracts = len(forgettable_extracts(workspace))
    if is_sure:
        forget_extracts(workspace)
    kept = retention.revisions_days
    verb = "are deleted" if is_sure else "may be deleted"
    for line in (
        f"{len(runs)} runs that are over for {days} days and none of the newest of their month {verb}",
        f"{len(revisions)} revisions that others replaced {kept} days ago, and that were never sent or handed over, {verb}"
        if kept
        else "all revisions are kept: no policy names [retention] revisions_days",
        f"{extracts} extracts older than {retention.extracts_days} days that no month needs {verb}"
        + (", and those that only these revisions need" if revisions and not is_sure else ""),
    ):
        out.print(line, markup=False)
    if not is_sure and (runs or revisions or extracts):
        out.print("--yes deletes them")


def _say(found: list[Damage], workspace: Workspace) -> None:
    for each in found:
        out.print(f"{each.sentence}: {each.cure.value}", markup=False)
    for folder in unreferenced(workspace):
        out.print(f"{folder} belongs to no publication: it may be deleted", markup=False)
    if shared := open_to_others(workspace.home):
        out.print(
            f"{shared[0]}{f' and {len(shared) - 1} more' if len(shared) > 1 else ''} can be read by other users of this machine: closed to them by --repair",
            markup=False,
        )
    extracts, months = len(workspace.extracts.all()), workspace.published.months()
    revisions = sum(len(workspace.published.revisions(each)) for each in months)
    words = f"{len(found)} damaged" if found else "all of it is as it was stored"
    out.print(
        f"{extracts} extracts and {revisions} revisions of {len(months)} months were read: {words}"
    )


def _bring_back(found: list[Damage], workspace: Workspace) -> None:
    with ExitStack() as alone:  # no run must meet a table on its way out
        for month in workspace.published.months():
            alone.enter_context(workspace.leases.hold(f"month {month}", "a repair", say))
        for each in found:
            if each.cure == Cure.COPY:
                repair(each, workspace.home)
        for name in workspace.tables.set_unreadable_aside():
            err.print(f"{name} lies in earlier/damaged now, and its months are computed again")
            found = list(examine(resources.make_workspace()))  # months went with it that were whole
    months = {each.month for each in found if each.cure in {Cure.REPORT, Cure.SHOW} and each.month}
    for month in sorted(months):
        try:
            report_again(month)
        except UserError as fault:
            err.print(f"onpace: {month}: {fault}", markup=False)
