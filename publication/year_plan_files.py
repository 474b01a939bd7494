"""The files of a year's plans: the document, its tables, and targets that can be edited and adopted.

Put here what is written and where; what it says is `reports.year_plan`, and how targets come into
force is `target_adoption`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.storage.files import write_atomically
from publication.month_inputs import MonthInputs
from publication.plan_members import book_of_year
from reports.export.safe_csv import guarded_csv
from reports.export.year_plan_tables import plan_tables, target_lines
from reports.publisher import Publisher, render_job_of
from reports.rendering import pdf as render
from reports.year_plan import plan_report
from sales import arrow as columns
from sales.planning.scenario_plan import YearPlans

TARGETS = "targets.csv"


def write_plans(
    plans: YearPlans, inputs: MonthInputs, publisher: Publisher, folder: Path
) -> Iterator[Path]:
    """Write the document and its tables into a folder, a folder of each scenario with its targets, and yield the paths."""
    variant = publisher.variant(plans.month, plans.rules, inputs.record.source)
    name = f"plan-FY{plans.fiscal_year}.pdf"
    written = folder / name
    write_atomically(written, render.pdf_of(render_job_of(plan_report(plans, variant), name)))
    yield written
    for table, rows in plan_tables(plans).items():
        written = folder / f"{table}.csv"
        write_atomically(written, guarded_csv(rows))
        yield written
    users = inputs.extract.users
    usernames = {
        user_id: username
        for user_id, username in users[["user_id", "username"]].itertuples(index=False)
        if isinstance(username, str)
    }
    revisions = _revisions(inputs, plans)
    for each in plans.scenarios:
        written = folder / each.name / TARGETS
        write_atomically(written, guarded_csv(target_lines(plans, each, usernames, revisions)))
        yield written


def _revisions(inputs: MonthInputs, plans: YearPlans) -> dict[str, int]:
    """Return the highest revision of each person's target of the year, where its book has one."""
    found: dict[str, int] = {}
    for row in columns.rows(book_of_year(inputs, plans.rules)):
        if row["fiscal_year"] == plans.fiscal_year:
            found[row["owner_id"]] = max(found.get(row["owner_id"], 0), row["revision"])
    return found
