"""The weekly flash in Dagster: printed by hand, mailed by the schedule or with a name, apart from every month end."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.outbox import outbox_at
from connectors.delivery.smtp import SmtpSettings
from orchestration import schedules, sensors
from orchestration.definitions import build_defs
from orchestration.schedules import flash_schedule
from publication.delivery import DeliveryService
from publication.run_inputs import RunInputs, no_note
from publication.stored_flash import folder_of
from publication.workspace import Workspace
from reports.publisher import Publisher
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.temporary_instance import temporary_instance

NOW = datetime(2026, 4, 22, 9, tzinfo=UTC)
WEEK, DAY = "2026-04-20", date(2026, 4, 21)
BY_SCHEDULE = {"dagster/schedule_name": "flash_schedule"}


class Firm:
    """A firm of one seller, its mail server, and Dagster."""

    def __init__(self, folder: Path, port: int, inbox: Inbox) -> None:
        self.folder, self.port, self.inbox = folder, port, inbox
        self.instance = temporary_instance(folder)
        policy = folder / "policy"
        policy.mkdir()
        (policy / "targets.csv").write_text(
            "fiscal_year,owner,annual_target\n2026,ann@acme.example,12000\n"
        )
        (policy / "recipients.toml").write_text(
            'allowed_domains = ["acme.example"]\nown_pages = true\n'
        )
        self.due_on("tuesday")
        self.reader = FakeReader(
            raw_tables(
                extract([deal(1)], [saved(1, "2026-04-02 10:00", close_date=date(2026, 4, 28))])
            ),
            lambda: NOW,
        )

    def due_on(self, weekday: str) -> None:
        (self.folder / "policy" / "fy2026.toml").write_text(
            f'[flash]\nweekday = "{weekday}"\nrecipients = ["own"]\n[fiscal]\ntime_zone = "UTC"\n'
        )

    def workspace(self) -> Workspace:
        return Workspace(
            self.folder / "home",
            self.folder / "policy",
            lambda: self.reader,
            "https://acme.example",
            lambda: NOW,
        )

    def run(self, tags: dict[str, str] | None = None, name: str = "") -> dg.ExecuteInProcessResult:
        workspace = self.workspace()
        service = DeliveryService(
            workspace,
            DeliveryLedger(workspace.catalogue),
            SmtpSettings("127.0.0.1", self.port, "none", "Onpace <reports@acme.example>"),
            outbox_at("", workspace.home),
            pause=lambda _: None,
        )
        with RunInputs(workspace, "a test", lambda _: None, no_note) as inputs:
            defs = build_defs(
                inputs=inputs,
                publisher=Publisher(workspace.home / "packs", workspace.policy_folder),
                delivery_service=service,
            )
            return defs.resolve_job_def("flash").execute_in_process(
                run_config={"ops": {"weekly_flash_delivery": {"config": {"mailed_by": name}}}},
                partition_key=WEEK,
                instance=self.instance,
                tags=tags,
                raise_on_error=False,
            )

    def made(self, asset: str) -> list[dict[str, object]]:
        records = self.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
        return [
            {name: value.value for name, value in each.asset_materialization.metadata.items()}
            for each in records
            if each.asset_materialization
        ]


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    inbox = Inbox()
    with serving(inbox) as port:
        yield Firm(tmp_path, port, inbox)


def test_by_hand_it_is_printed_and_nobody_is_mailed(firm: Firm) -> None:
    assert firm.run().success
    assert firm.inbox.envelopes == []
    made = firm.made("weekly_flash")[0]
    assert (made["day"], made["month_to_date"], made["documents"]) == (str(DAY), "2026-04", 3)
    assert (folder_of(firm.workspace().home, DAY) / "company.pdf").is_file()
    assert firm.made("weekly_flash_delivery") == []
    seen = firm.instance.fetch_observations(dg.AssetKey("weekly_flash_delivery"), limit=1).records
    assert seen[0].asset_observation
    assert "mailed_by" in str(seen[0].asset_observation.metadata["why_not"].value)
    assert firm.workspace().published.months() == []


def test_the_schedule_mails_it_and_nobody_gets_it_twice(firm: Firm) -> None:
    assert firm.run(tags=BY_SCHEDULE).success
    assert firm.run(name="Dora").success
    assert [recipients for recipients, _ in firm.inbox.envelopes] == [["ann@acme.example"]]
    assert [each["mails_sent"] for each in firm.made("weekly_flash_delivery")] == [1, 1]


@pytest.mark.parametrize(
    "tags",
    [
        {**BY_SCHEDULE, "dagster/parent_run_id": "a run"},
        {**BY_SCHEDULE, "dagster/backfill": "a backfill"},
    ],
)
def test_what_repeats_a_run_mails_nobody(firm: Firm, tags: dict[str, str]) -> None:
    assert firm.run(tags=tags).success
    assert firm.inbox.envelopes == []


def test_a_week_that_is_not_there_yet_is_refused_in_a_sentence(firm: Firm) -> None:
    firm.due_on("sunday")
    done = firm.run()
    assert not done.success
    fault = done.get_step_failure_events()[0].step_failure_data.error
    assert fault is not None
    assert "2026-04-26 has not begun anywhere" in fault.to_string()


def asked(monkeypatch: pytest.MonkeyPatch, now: datetime, zone: str = "Asia/Tokyo") -> object:
    """What the schedule answers at an instant, with the flash due on Tuesdays at 07:00 where the company is."""
    rules = SimpleNamespace(flash=SimpleNamespace(weekday="tuesday", time="07:00"))
    place = SimpleNamespace(time_zone=zone, policies=SimpleNamespace(newest=rules), now=lambda: now)
    monkeypatch.setattr(schedules, "make_workspace", lambda: place)
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=now)
        return flash_schedule(context)


def test_it_is_launched_once_on_its_day_where_the_company_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due = datetime(2026, 4, 21, 7, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)
    at_due = asked(monkeypatch, due)
    assert isinstance(at_due, dg.RunRequest)
    assert (at_due.run_key, at_due.partition_key) == ("2026-04-21", "2026-04-20")
    later = asked(monkeypatch, due.replace(day=22))
    assert isinstance(later, dg.RunRequest)
    assert later.run_key == at_due.run_key, "Dagster launches a key once"
    before = asked(monkeypatch, due.replace(minute=0, hour=21))
    assert isinstance(before, dg.SkipReason)
    assert "is due at 07:00" in str(before.skip_message)
    stale = asked(monkeypatch, due.replace(day=24))
    assert isinstance(stale, dg.SkipReason)
    assert "no news any more" in str(stale.skip_message)


def test_a_failed_flash_is_told(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    listener = SimpleNamespace(notify=lambda *words: told.append(tuple(map(str, words))))
    monkeypatch.setattr(sensors, "make_delivery_service", lambda: listener)
    firm.due_on("sunday")
    run = firm.run()
    context = dg.build_run_status_sensor_context(
        "failed_flash", run.get_run_failure_event(), firm.instance, run.dagster_run
    ).for_run_failure()
    sensors.failed_flash(context)
    assert told[0][1] == f"The flash of the week of {WEEK} failed"
    assert "has not begun anywhere" in told[0][2]
