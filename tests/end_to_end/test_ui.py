"""The Dagster UI of a small firm, used with a browser: what is seen, launched and reached, and what is never shown."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.chromium import executable
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials
from tests.end_to_end.dagster_ui import (
    ONPACE,
    SOON,
    DagsterUi,
    ids_in,
    of_backfill,
    running_ui,
    window,
    without_settings,
)
from tests.end_to_end.small_firm import policy_of_the_small_firm, small_firm
from tests.postgresql import postgresql

ROOT = Path(__file__).parents[2]
ID = re.compile(r"^[0-9a-f]{8}$")  # as a run's is shown
GROUPS = (
    "salesforce",
    "policy",
    "extract",
    "inputs",
    "history",
    "targets",
    "coverage",
    "forecast",
    "quality",
    "report",
    "delivery",
)
MONTH, MONTHS = "2022-12", ("2022-12", "2023-01", "2023-02")
PLANTED = {
    "SALESFORCE_CLIENT_SECRET": "planted-in-salesforce",
    "SMTP_PASSWORD": "planted-in-smtp",
    "SLACK_TOKEN": "xoxb-planted-in-slack",
}
OF_CATALOGUE = "planted-in-catalogue"
SECRETS = ("planted-in-salesforce", "planted-in-smtp", "planted-in-slack", OF_CATALOGUE)


@dataclass
class Office:
    """The UI in a browser, its home, and what was launched by clicking: a month, and a backfill of three.

    `environment` are the settings of commands that use the same home.
    """

    home: Path
    ui: DagsterUi
    run: str
    backfill: str
    environment: dict[str, str]

    @property
    def policy(self) -> Path:
        """The policy file of the month's year."""
        return Path(self.environment["ONPACE_POLICY"]) / "fy2026.toml"

    def rest(self) -> None:
        """Wait until nothing runs any more."""
        self.ui.outcome({"runIds": [self.run]})
        self.ui.outcome(of_backfill(self.backfill), len(MONTHS))

    def execute_again(self, how: str) -> list[str]:
        """Execute the run of the page that is open again, by clicking, and return what became of it."""
        page = self.ui.page
        main = page.get_by_role("button", name="Re-execute").first
        main.locator("xpath=following::button[1]").click()
        with page.expect_response(
            lambda answer: "LaunchPipelineReexecution" in answer.url
        ) as asked:
            page.get_by_role("menuitem", name=how).click()
        return self.ui.outcome({"runIds": ids_in(asked.value.text())[:1]})


@pytest.fixture(scope="class")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if executable() is None:
        pytest.skip("no Chromium on this machine: apt's is a snap on Ubuntu; name one in $CHROMIUM")
    folder = tmp_path_factory.mktemp("office")
    home = folder / "home"
    home.mkdir()
    environment = PLANTED | {
        "ONPACE_POLICY": str(policy_of_the_small_firm(folder / "policy")),
        "SALESFORCE_CLIENT_ID": "me",
        "SLACK_CHANNEL": "#sales",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "9",
        "SMTP_USERNAME": "onpace",
        "SMTP_FROM": "Onpace <r@tidewater.example>",
    }
    org = OrgServer(small_firm(), Credentials("me", PLANTED["SALESFORCE_CLIENT_SECRET"]))
    with (
        serving(org) as salesforce,
        postgresql(OF_CATALOGUE) as port,
        running_ui(
            home,
            **(
                settings := environment
                | {
                    "SALESFORCE_LOCAL_URL": salesforce,
                    "ONPACE_LEDGER_URL": f"postgresql+psycopg://onpace:{OF_CATALOGUE}@127.0.0.1:{port}/postgres",
                }
            ),
        ) as address,
        window(address) as ui,
    ):
        expect.set_options(timeout=SOON)
        run = ui.launch("restatement", MONTH)
        # Of the job that delivers: a backfill must not, whoever launches it.
        backfill = ui.launch("month_end", f"[{MONTHS[0]}...{MONTHS[-1]}]")
        yield Office(home, ui, run, backfill, settings | {"ONPACE_HOME": str(home)})


class TestUi:
    def test_assets_stand_in_the_groups_of_the_work(self, office: Office) -> None:
        page = office.ui.open("/asset-groups", "Global asset lineage")
        for group in GROUPS:
            expect(page.locator("svg").get_by_text(group, exact=True)).to_be_visible()

    def test_a_month_is_launched_by_clicking_and_succeeds(self, office: Office) -> None:
        assert office.ui.outcome({"runIds": [office.run]}) == ["SUCCESS"]
        page = office.ui.open(f"/runs/{office.run}", f"partition: {MONTH}")
        expect(page.get_by_text("Success", exact=True)).to_be_visible()
        expect(page.get_by_text('Finished execution of run for "restatement".')).to_be_visible()
        office.ui.remember()

    def test_the_packs_of_the_month_lead_to_their_pdfs(self, office: Office) -> None:
        office.ui.outcome({"runIds": [office.run]})
        page = office.ui.open(
            f"/assets/month_end_packs?view=partitions&partition={MONTH}", "company_pack"
        )
        office.ui.remember()
        links = page.locator("a[href$='.pdf']")
        # The page grows while it is read: each kind of document is awaited before all are counted.
        for kind in ("company.pdf", "team-", "person-"):
            expect(page.locator(f"a[href*='/{kind}'][href$='.pdf']").first).to_be_attached()
        found = {str(links.nth(n).get_attribute("href")) for n in range(links.count())}
        assert {Path(link).name.split("-")[0] for link in found} == {
            "company.pdf",
            "team",
            "person",
        }
        for link in found:
            assert page.request.get(link).body().startswith(b"%PDF"), link

    def test_a_backfill_of_three_months_finishes_and_delivers_nothing(self, office: Office) -> None:
        assert office.ui.outcome(of_backfill(office.backfill), len(MONTHS)) == ["SUCCESS"] * len(
            MONTHS
        )
        page = office.ui.open(f"/runs/b/{office.backfill}?tab=runs", "Partition selection")
        for month in MONTHS:
            expect(page.get_by_text(f"partition: {month}", exact=True)).to_be_visible()
        expect(page.get_by_text("Success", exact=True)).to_have_count(len(MONTHS))
        page = office.ui.open("/assets/month_end_release?view=events", "why_not")
        expect(
            page.get_by_text(
                "a backfill never delivers: launch month_end for the one month that is to go out, and approve what it shows"
            )
        ).to_be_visible()
        assert sorted(path.name for path in (office.home / "packs").iterdir()) == [*MONTHS]
        assert not (office.home / "outbox").exists()

    def test_a_month_end_launched_by_hand_waits_and_shows_who_would_get_what(
        self, office: Office
    ) -> None:
        office.rest()
        run = office.ui.launch("month_end", MONTH)
        assert office.ui.outcome({"runIds": [run]}) == ["SUCCESS"]
        page = office.ui.open("/assets/month_end_release?view=events", "waits_for")
        expect(page.get_by_text(f"an approval: run the job release for {MONTH}")).to_be_visible()
        expect(page.get_by_text("director@tidewater.example")).to_be_visible()
        assert not (office.home / "outbox").exists()

    def test_a_failed_run_opens_on_its_cause_and_goes_on_from_there(self, office: Office) -> None:
        office.rest()
        good = office.policy.read_text(encoding="utf-8")
        office.policy.write_text(f"{good}\nnonsense = 3\n", encoding="utf-8")
        try:
            run = office.ui.launch("restatement", MONTH)
            assert office.ui.outcome({"runIds": [run]}) == ["FAILURE"]
        finally:
            office.policy.write_text(good, encoding="utf-8")
        page = office.ui.open(f"/runs/{run}", f"partition: {MONTH}")
        expect(page.get_by_text("unknown key 'nonsense'").first).to_be_visible()
        expect(page.get_by_text("Correct what the sentence names").first).to_be_visible()
        expect(page.get_by_text("STEP_FAILURE", exact=True)).to_have_count(1)
        expect(page.get_by_text("Not executing")).to_have_count(0)
        assert office.execute_again("From failure") == ["SUCCESS"]

    def test_a_run_of_the_terminal_is_executed_again(self, office: Office) -> None:
        office.rest()
        command = [str(ONPACE), "report", MONTH, "--fresh-extract"]
        clean = without_settings() | office.environment
        subprocess.run(command, env=clean, check=True, capture_output=True, timeout=200)
        page = office.ui.open("/runs", f"onpace/why: onpace report {MONTH}")
        page.locator("a[href^='/runs/']").filter(has_text=ID).first.click()
        expect(page.get_by_text(f"partition: {MONTH}")).to_be_visible()
        assert office.execute_again("All steps in root run") == ["SUCCESS"]

    def test_no_secret_is_shown_told_or_kept(self, office: Office) -> None:
        """What the UI shows or only knows can be read by everyone who opens it."""
        ui = office.ui
        ui.outcome(of_backfill(office.backfill), len(MONTHS))
        pages = {
            "/config": "Configuration",
            "/locations/onpace/resources": "delivery_service",
            **{
                f"/locations/onpace/resources/{name}": "No configuration"
                for name in ("inputs", "publisher", "delivery_service", "io_manager")
            },
            "/locations/onpace/jobs/month_end/playground": "Launch Run",
            "/assets/raw_opportunities?view=events": "api_usage",
            f"/runs/{office.run}": f"partition: {MONTH}",
            "/runs?view=backfills": office.backfill,
        }
        for path, sign in pages.items():
            ui.open(path, sign)
        told = "\n".join(ui.heard)
        for known in (
            "delivery_service",
            "accept_vanished",
            "api_usage",
            "a backfill never delivers",
        ):
            assert known in told, f"the test hears too little: nothing of {known}"
        kept = {
            path: path.read_bytes()
            for path in [*office.home.rglob("*"), office.home.parent / "ui.log"]
            if path.is_file()
        }
        for secret in SECRETS:
            assert secret not in told
            assert [path for path, content in kept.items() if secret.encode() in content] == []
