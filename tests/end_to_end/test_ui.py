"""The Dagster UI of a small firm, used with a browser: what is seen, launched and reached, and what is never shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.chromium import executable
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import Credentials
from tests.end_to_end.dagster_ui import SOON, DagsterUi, of_backfill, running_ui, window
from tests.end_to_end.small_firm import policy_of_the_small_firm, small_firm
from tests.postgresql import postgresql

ROOT = Path(__file__).parents[2]
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
    """The UI in a browser, its home, and what was launched by clicking: a month, and a backfill of three."""

    home: Path
    ui: DagsterUi
    run: str
    backfill: str


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
        postgresql(tmp_path_factory.mktemp("postgresql"), OF_CATALOGUE) as port,
        running_ui(
            home,
            SALESFORCE_LOCAL_URL=salesforce,
            ONPACE_LEDGER_URL=f"postgresql+psycopg://onpace:{OF_CATALOGUE}@127.0.0.1:{port}/postgres",
            **environment,
        ) as address,
        window(address) as ui,
    ):
        expect.set_options(timeout=SOON)
        run = ui.launch("restatement", MONTH)
        # Of the job that delivers: a backfill must not, whoever launches it.
        yield Office(home, ui, run, ui.launch("month_end", f"[{MONTHS[0]}...{MONTHS[-1]}]"))


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
        page = office.ui.open(
            f"/assets/month_end_delivery?view=partitions&partition={MONTHS[-1]}", "why_not"
        )
        expect(
            page.get_by_text(
                "a backfill never delivers: launch month_end for the one month that is to go out"
            )
        ).to_be_visible()
        assert sorted(path.name for path in (office.home / "packs").iterdir()) == [*MONTHS]
        assert not (office.home / "outbox").exists()

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
