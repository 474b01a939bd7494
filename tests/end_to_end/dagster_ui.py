"""The Dagster UI as a person uses it: `onpace ui` as a process, and a browser in front of it.

Put here how pages are reached and what is clicked; what must be seen there is for tests to say,
what is pictured for `screenshots`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import Page, Route, WebSocket, expect, sync_playwright
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from app.demo.mail_server import free_port
from benchmarks.chromium import executable

ONPACE = Path(sys.executable).with_name("onpace")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
TOKEN = "planted-token-of-the-ui"
PATIENCE = 300_000  # milliseconds; the daemon looks for new backfills every 30 seconds
SOON = 30_000
# Queries of the dialog begin with the same word.
LAUNCHES = re.compile(r"op=Launch(MultipleRuns|PartitionBackfill|PipelineExecution)")
ENDS = ["SUCCESS", "FAILURE", "CANCELED"]
# The page asks its own server until so many runs have ended; its answer is what became of them.
ENDED = """async ([filter, count, ends, patience]) => {
  const query = 'query Ended($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { status } } } }'
  const body = JSON.stringify({query, variables: {filter}})
  for (const begun = Date.now(); ; await new Promise(soon => setTimeout(soon, 500))) {
    const answer = await fetch('/graphql?op=Ended', {method: 'POST', headers: {'content-type': 'application/json'}, body})
    const became = (await answer.json()).data.runsOrError.results.map(run => run.status)
    const done = became.length >= count && became.every(status => ends.includes(status))
    if (done || Date.now() - begun > patience) return became
  }
}"""


def without_settings() -> dict[str, str]:
    """Return the environment without anything that is a setting of ours or of Dagster."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SALESFORCE_", "SMTP_", "SLACK_", "ONPACE_", "DAGSTER_"))
    }


def with_fonts_of_the_machine() -> dict[str, str]:
    """Return the environment of a browser: rendering a report points this process at the fonts of reports, and with them buttons do not fit."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FONTCONFIG_")}


@contextmanager
def running_ui(home: Path, **environment: str) -> Iterator[str]:
    """Run `onpace ui` on a home, as in the background, and yield its address, without its token, once it answers; what it prints goes to `ui.log` beside the home."""
    ui, packs = free_port(), free_port()
    clean = without_settings() | {
        "ONPACE_HOME": str(home),
        "HOME": str(home.parent),
        "ONPACE_PACKS_URL": f"http://127.0.0.1:{packs}",
        "PYTHONWARNINGS": "ignore",
        "ONPACE_UI_TOKEN": TOKEN,
    }
    with (home.parent / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            ["env", "--ignore-signal=INT", str(ONPACE), "ui", "--port", str(ui)],
            env=clean | environment,
            cwd=home.parent,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{ui}"
            with requests.Session() as session:
                session.mount(
                    address,
                    HTTPAdapter(max_retries=Retry(240, backoff_factor=0.5, backoff_max=0.5)),
                )
                session.get(f"{address}/server_info", timeout=60).raise_for_status()
            yield address
        finally:
            process.terminate()
            process.wait(60)


class DagsterUi:
    """A browser window on the UI, which remembers everything that the server told it."""

    def __init__(self, page: Page, address: str) -> None:
        """Show nothing yet."""
        self.page, self.address = page, address
        self.heard: list[str] = []
        page.context.route("**/graphql**", self._overhear)
        page.on("websocket", self._overhear_socket)

    def _overhear(self, route: Route) -> None:
        answer = route.fetch(max_retries=5)  # a connection that was kept may be gone
        self.heard.append(answer.text())
        route.fulfill(response=answer)

    def _overhear_socket(self, socket: WebSocket) -> None:
        socket.on(
            "framereceived",
            lambda frame: self.heard.append(
                frame if isinstance(frame, str) else frame.decode(errors="replace")
            ),
        )

    def open(self, path: str, sign: str) -> Page:
        """Open a page, wait until it shows a text by which it is known, and remember its source."""
        self.page.goto(f"{self.address}{path}")
        expect(self.page.get_by_text(sign, exact=True).filter(visible=True).first).to_be_visible(
            timeout=SOON
        )
        self.remember()
        return self.page

    def remember(self) -> None:
        """Remember the page as it is now."""
        self.heard.append(self.page.content())

    def launch(self, job: str, months: str) -> str:
        """Launch months of a job by clicking, and return the id of the run, or of the backfill where they are several."""
        page = self.open(f"/locations/onpace/jobs/{job}", "Materialize all…")
        page.get_by_role("button", name="Materialize all").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_placeholder("ex: 2").fill(months)
        dialog.get_by_placeholder("ex: 2").press("Enter")
        self.remember()
        with page.expect_response(LAUNCHES) as launched:
            dialog.get_by_role("button", name="Launch").click()
        expect(
            page.get_by_text("Launched run").or_(page.get_by_text("Created backfill"))
        ).to_be_visible(timeout=SOON)
        return ids_in(launched.value.text())[0]

    def outcome(self, of: dict[str, object], count: int = 1) -> list[str]:
        """Wait until so many runs (a RunsFilter of Dagster) have ended, well or not, and return what became of them."""
        return self.page.evaluate(ENDED, [of, count, ENDS, PATIENCE])


def ids_in(answer: str) -> list[str]:
    """Return the ids of runs and backfills in an answer of the server; snapshots of jobs have ids too, of 40 digits."""
    named = r'"(?:backfillId|id|runId)": *"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{8})"'
    return re.findall(named, answer)


def of_backfill(name: str) -> dict[str, object]:
    """Return the filter of a backfill's runs."""
    return {"tags": [{"key": "dagster/backfill", "value": name}]}


@contextmanager
def window(address: str, width: int = 1400, height: int = 900) -> Iterator[DagsterUi]:
    """Yield a window of a Chromium that is on this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=SWITCHES, env=dict(with_fonts_of_the_machine())
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(SOON)
        page.goto(f"{address}/?token={TOKEN}")  # as it is printed
        yield DagsterUi(page, address)
        page.context.unroute_all(behavior="ignoreErrors")
        browser.close()
