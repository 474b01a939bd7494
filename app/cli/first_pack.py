"""The phasing of a month in words, and its company pack before it is published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assets.report import NAMES
from connectors.storage.files import write_atomically
from orchestration import resources
from orchestration.instance import dagster_instance
from orchestration.jobs import TABLES
from orchestration.local_runs import run_month, selection_of
from publication.extract_selection import selected
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs, resolve
from publication.preconditions import refuse_clearly_open
from publication.pull_options import PullOptions
from publication.workspace import Workspace
from reports.document.month_tables import MonthTables
from reports.text import formats
from sales import money
from sales.calendar import Month
from sales.policy.rules import MonthRules
from sales.targets.rephasing import Plan

NAME_WIDTH, MONTH_NAMES = 24, 7
OPTIONS = PullOptions(shared_pull_hours=0.0)


def preview_month(chosen: Month | None, *, only_phasing: bool) -> Iterator[str | Path]:
    """Yield lines about a month's phasing, then the path of its company pack, where it is wanted.

    Raises `UserError` where a report of the month could not be made.
    """
    workspace = resources.make_workspace()
    month = chosen or workspace.last_closed_month
    why = f"onpace preview {month}"
    if only_phasing:
        read_month(workspace, month, why)
    else:
        refuse_clearly_open(workspace, month)
        _run(workspace, month, why, only_extract=False)
    yield from phasing_lines(resolve(workspace, month, selected(workspace, month)))
    if not only_phasing:
        yield _pack(workspace, month)
        yield f"Nothing was published: if this is right, `onpace report {month}` reads what changed since, and publishes it."


def read_month(workspace: Workspace, month: Month, why: str) -> None:
    """Read Salesforce for a month, where no extract was chosen for it yet. Raises `UserError`."""
    refuse_clearly_open(workspace, month)
    extracts = workspace.extracts
    if extracts.chosen(month) is None and extracts.pinned(month) is None:
        _run(workspace, month, why, only_extract=True)


def _run(workspace: Workspace, month: Month, why: str, *, only_extract: bool) -> None:
    wanted = selection_of(["extract"]) if only_extract else TABLES
    with dagster_instance() as instance:
        run_month("restatement", month, workspace, instance, OPTIONS, wanted, why=why)


def _pack(workspace: Workspace, month: Month) -> Path:
    tables = MonthTables.among({name: workspace.tables.read(name, month) for name in NAMES})
    record = selected(workspace, month)
    rules = resolve(workspace, month, record).rules
    path = workspace.home / "preview" / f"{month}-company.pdf"
    printed = resources.make_publisher(workspace).preview(tables, month, rules, record.source)
    write_atomically(path, printed)
    return path


def phasing_lines(inputs: MonthInputs) -> Iterator[str]:
    """Yield the months of each person's plan for the year of a month, and what decided it, people by name."""
    rules, forecast = inputs.rules, ForecastSources(inputs)
    number = rules.calendar.fiscal_year(inputs.month)
    year = rules.calendar.year(number)
    people = inputs.people
    names = dict(zip(people.ids.to_pylist(), people.names.to_pylist(), strict=True))
    plans = [each for each in forecast.plans() if each.target.fiscal_year == number]
    plans.sort(key=lambda each: names.get(each.target.owner_id, each.target.owner_id))
    yield f"{year.name}, in {rules.currency}: {decided(rules)}"
    widths = [
        max(MONTH_NAMES, *(len(_amount(plan.baseline[n], rules)) for plan in plans))
        for n in range(len(year.months))
    ]
    heads = " ".join(f"{each!s:>{width}}" for each, width in zip(year.months, widths, strict=True))
    yield f"{'':{NAME_WIDTH}} {heads}  year"
    for plan in plans:
        name = formats.printable(names.get(plan.target.owner_id, plan.target.owner_id))
        cells = " ".join(
            f"{_amount(part, rules):>{width}}"
            for part, width in zip(plan.baseline, widths, strict=True)
        )
        yield f"{name[:NAME_WIDTH]:{NAME_WIDTH}} {cells}  {_amount(plan.amount, rules)}"
        if why := list(reasons(plan, rules)):
            yield f"{'':{NAME_WIDTH}} {'; '.join(why)}"


def decided(rules: MonthRules) -> str:
    """Return what decides about everybody's months."""
    phasing = rules.policy.phasing
    parts = [
        f"method {phasing.method}"
        if "method" in phasing.model_fields_set
        else "stated months, else even"
    ]
    if phasing.holidays:
        parts.append(f"holidays of {phasing.holidays}")
    if phasing.ramp:
        parts.append(f"ramp {', '.join(str(each) for each in phasing.ramp)}")
    parts.append(
        f"rephase {phasing.rephase}"
        + (f" up to {phasing.cap} of the plan" if phasing.rephase == "bounded" else "")
    )
    parts.append(f"basis {rules.policy.targets.basis}")
    return f"{'; '.join(parts)} (by {rules.source})"


def reasons(plan: Plan, rules: MonthRules) -> Iterator[str]:
    """Yield what decides about one person's months beside the rules of everybody."""
    target = plan.target
    if target.start:
        yield f"starts {target.start}"
    if target.end:
        yield f"ends {target.end}"
    if target.holidays:
        yield f"holidays of {target.holidays}"
    if target.stated and rules.policy.phasing.keeps_stated_months:
        yield "months as stated"
    if plan.fixed:
        yield f"fixed: {', '.join(str(each) for each in sorted(plan.fixed))}"
    if target.earlier is not None:
        yield f"revision {target.revision} of {target.effective}"
    if plan.amount != target.amount:
        yield f"{_amount(plan.amount, rules)} of the {_amount(target.amount, rules)} stated, for the months that they sell in"
    if plan.season is not None:
        yield f"season from {plan.season.deals} won deals, weight {plan.season.evidence:.0%}"


def _amount(minor: int, rules: MonthRules) -> str:
    return f"{money.decimal_of(minor, rules.digits):,.0f}"
