"""Plans of a year on the terminal: what was proposed in a few lines, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from app.cli.first_pack import read_month
from orchestration import resources
from publication.extract_selection import selected
from publication.month_inputs import MonthInputs, resolve
from publication.target_adoption import adopt_targets
from publication.workspace import Workspace
from publication.year_plan import fiscal_year_named, plan_year
from publication.year_plan_files import write_plans
from reports.sections.plan_scenario import chance_words, reaching, with_target
from reports.text import formats
from reports.text.i18n import language
from sales import money
from sales.calendar import Month


def planned(
    year: str, number: Decimal | None, folder: Path, month: Month | None
) -> Iterator[str | Path]:
    """Yield a line about each scenario, then the paths of what is written. Raises `UserError`."""
    fiscal_year, workspace = fiscal_year_named(year), resources.make_workspace()
    inputs = _inputs(workspace, month, f"onpace plan FY{fiscal_year}")
    plans = plan_year(inputs, fiscal_year, number)
    written = [*write_plans(plans, inputs, resources.make_publisher(workspace), folder)]
    words, rules = language("en"), plans.rules
    for each in plans.scenarios:
        company = each.plan.company
        asked, expected = (
            words.short_money(money.decimal_of(amount, rules.digits), rules.currency)
            for amount in (company.target, company.expected)
        )
        yield (
            f"{formats.printable(each.plan.title)}: {asked} where {expected} may be expected; chance {chance_words(company.chance, words)}; "
            f"{words.number(reaching(each), 1)} of {len(with_target(each))} people may be expected to reach their target"
        )
    yield from written
    yield f"Nothing is in force: edit a targets.csv, then `onpace plan FY{fiscal_year} --adopt FILE`."


def adopted(year: str, path: Path, month: Month | None) -> str:
    """Add proposed targets to the target book, and return what became of them. Raises `UserError`."""
    fiscal_year, workspace = fiscal_year_named(year), resources.make_workspace()
    inputs = _inputs(workspace, month, f"onpace plan FY{fiscal_year} --adopt")
    done = adopt_targets(path, inputs, fiscal_year)
    if not done.added:
        return f"{done.book} says all of it already: nothing was added."
    said = f"{done.added} {'line was' if done.added == 1 else 'lines were'} added to {done.book}"
    return f"{said}; {done.left} said what it says already." if done.left else f"{said}."


def _inputs(workspace: Workspace, month: Month | None, why: str) -> MonthInputs:
    """Return the inputs of a closed month, which is read where nobody has read it yet."""
    chosen = month or workspace.last_closed_month
    read_month(workspace, chosen, why)
    return resolve(workspace, chosen, selected(workspace, chosen))
