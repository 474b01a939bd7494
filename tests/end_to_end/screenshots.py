"""Pictures of the Dagster UI for `docs/`: `make screenshots` runs the demo company and takes them with a browser.

They show no folder of the machine that took them, and are small: few colours, no more pixels than
can be read.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.chromium import executable
from orchestration.embedded import last_month_there
from sales.calendar import Month
from tests.end_to_end.dagster_ui import (
    ONPACE,
    PATIENCE,
    SOON,
    DagsterUi,
    of_backfill,
    running_ui,
    window,
    without_settings,
)

DOCS = Path(__file__).parents[2] / "docs"
WIDTH, HEIGHT, COLOURS, LARGEST = 1280, 720, 64, 150_000
# In place of the folder that the pictures were taken in.
SHOWN_HOME = "/srv/onpace"
RENAMED = """([found, shown]) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(found, shown)
}"""


def main() -> None:
    """Take all pictures."""
    if executable() is None:
        sys.exit("no Chromium on this machine; name one in $CHROMIUM")
    month = Month(*last_month_there(datetime.now(UTC)))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        demo = subprocess.run(
            [ONPACE, "demo"],
            env=without_settings() | {"ONPACE_HOME": str(home)},
            check=False,
            stdout=subprocess.DEVNULL,
        )
        if demo.returncode:
            sys.exit(f"the demo ended with {demo.returncode}")
        with running_ui(home) as address, window(address, WIDTH, HEIGHT) as ui:
            _take(ui, month, home)


def _take(ui: DagsterUi, month: Month, home: Path) -> None:
    backfill = ui.launch("restatement", f"[{month.plus(-3)}...{month.plus(-1)}]")
    page = ui.open("/asset-groups", "Global asset lineage")
    page.get_by_text("Hide navigation").click()
    page = ui.open(
        "/asset-groups", "Global asset lineage"
    )  # the graph fits the room that it has now
    expect(page.locator("svg").get_by_text("delivery", exact=True)).to_be_visible(timeout=SOON)
    _keep(page, "ui-assets", home)
    run = ui.launch("restatement", str(month))
    ui.outcome({"runIds": [run]})
    page = ui.open(f"/runs/{run}", f"partition: {month}")
    expect(page.get_by_text('Finished execution of run for "restatement".')).to_be_visible(
        timeout=SOON
    )
    _keep(page, "ui-run", home)
    page = ui.open(f"/assets/month_end_packs?view=partitions&partition={month}", "company_pack")
    _keep(page, "ui-month-end-packs", home)
    ui.outcome(of_backfill(backfill), 3)
    page = ui.open(f"/runs/b/{backfill}?tab=runs", "Partition selection")
    expect(page.get_by_text("Success", exact=True)).to_have_count(3, timeout=SOON)
    expect(page.get_by_text("Succeeded", exact=True)).to_be_visible(timeout=PATIENCE)
    _keep(page, "ui-backfill", home)
    ui.outcome({"runIds": [ui.launch("month_end", str(month.plus(-1)))]})
    page = ui.open("/assets/month_end_release?view=events", "waits_for")
    _keep(page, "ui-release", home)


def _keep(page: Page, name: str, home: Path) -> None:
    """Write what the page shows, with few colours."""
    page.wait_for_load_state("networkidle")
    page.evaluate(RENAMED, [str(home), SHOWN_HOME])
    picture = (
        Image.open(BytesIO(page.screenshot()))
        .convert("RGB")
        .quantize(COLOURS, dither=Image.Dither.NONE)
    )
    path = DOCS / f"{name}.png"
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size} bytes, more than {LARGEST}")
    print(path)  # noqa: T201  # its answer


if __name__ == "__main__":
    main()
