"""`onpace check --stored`: what is damaged of all that a home keeps, and bringing it back."""

from __future__ import annotations

from contextlib import ExitStack

from app.cli.months import report_again
from app.console import err, out
from connectors.storage.files import close_to_others, open_to_others
from orchestration import resources
from orchestration.json_logs import say
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
