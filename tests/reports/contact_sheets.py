"""Contact sheets of every kind of page, for firms of several shapes: `python -m tests.reports.contact_sheets FOLDER`.

They are looked at before and after a change of a page; nothing is judged here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdfium2
from PIL import Image

from benchmarks.pages import POLICY, demo_month, reports_of_demo
from connectors.salesforce.auth import Login
from connectors.salesforce.pull import SalesforceClient
from embedded_org.company import company
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import DEFAULT_CREDENTIAL
from publication.flash import compute_flash
from publication.workspace import Workspace
from reports.document.document import MonthEndReport
from reports.flash import flash_reports
from reports.month_end import month_end_reports
from reports.publisher import Publisher, render_job_of
from reports.rendering import pdf as render
from sales.history.extract import EMBEDDED
from sales.policy.rules import MonthRules
from sales.vocabulary import SOURCE_OWNER, GrainKind
from tests.reports.months import reports_of, tables_of_firm
from tests.sales.firms import MONTH, FirmMonth, simulated

# Pages side by side, and how wide each is in pixels.
COLUMNS, WIDTH = 4, 620
EACH_KIND = 2
DEMO = "demo"


def shapes() -> Iterator[tuple[str, Iterable[MonthEndReport]]]:
    """Yield firms by name, each with its documents."""
    tables, rules = demo_month()
    yield DEMO, reports_of_demo(tables, rules)
    yield "flash", flash_of_demo()
    yield "demo-de-letter", reports_of_demo(tables, _german(rules))
    yield "first-months", reports_of(4)
    yield "long-names", reports_of(17)
    for name, deals in (("two-people", 60), ("sixty-people", 1_800), ("400-people", 12_000)):
        firm = FirmMonth(simulated(deals).extract, MONTH, annual_target=350_000)
        yield name, month_end_reports(*tables_of_firm(firm))


def flash_of_demo() -> list[MonthEndReport]:
    """Return the demo's flash of a Monday."""
    day = date(2026, 11, 23)
    now = datetime.combine(day, time(12), UTC)
    with (
        TemporaryDirectory() as folder,
        serving(OrgServer(company(1, (2026, 11)).org())) as address,
    ):
        login = Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)
        client = SalesforceClient(login)
        workspace = Workspace(Path(folder), POLICY, lambda: client, EMBEDDED, lambda: now)
        flash = compute_flash(workspace, day, lambda _: None)
    publisher = Publisher(Path(folder), POLICY)
    variant = publisher.variant(flash.inputs.month, flash.inputs.rules, EMBEDDED)
    return list(flash_reports(flash.tables, flash.day, flash.before, variant))


def _german(rules: MonthRules) -> MonthRules:
    """Return rules by which pages are in German, on Letter."""
    brand = rules.policy.brand.model_copy(update={"languages": ("de",), "paper": "Letter"})
    return replace(rules, policy=rules.policy.model_copy(update={"brand": brand}))


def chosen(shape: str, reports: Iterable[MonthEndReport]) -> list[MonthEndReport]:
    """Return the company's document, and a few of each other kind; of the demo all, for among its people are one who left and one who joined."""
    every = list(reports)
    if shape == DEMO:
        return every
    people = [each for each in every if each.kind == GrainKind.PERSON]
    teams = [each for each in every if each.kind == GrainKind.TEAM]
    owners = [each for each in every if each.kind == SOURCE_OWNER]
    few = [*islice(teams, EACH_KIND), *people[:EACH_KIND], *people[-EACH_KIND:], *owners[:1]]
    return [every[0], *few]


def sheet_of(report: MonthEndReport) -> Image.Image:
    """Return all pages of a document side by side."""
    with pypdfium2.PdfDocument(render.pdf_of(render_job_of(report, report.kind))) as document:
        pages = [
            document[n].render(scale=WIDTH / document[n].get_width()).to_pil()
            for n in range(len(document))
        ]
    height = max(each.height for each in pages)
    rows = -(-len(pages) // COLUMNS)
    sheet = Image.new("RGB", (WIDTH * min(len(pages), COLUMNS), height * rows), "white")
    for n, each in enumerate(pages):
        sheet.paste(each, (n % COLUMNS * WIDTH, n // COLUMNS * height))
    return sheet


def main() -> None:
    """Write a sheet for each document that is shown."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/pages")
    folder.mkdir(parents=True, exist_ok=True)
    for shape, reports in shapes():
        for number, report in enumerate(chosen(shape, reports), start=1):
            path = folder / f"{shape}-{number}-{report.kind}.png"
            sheet_of(report).save(path)
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
