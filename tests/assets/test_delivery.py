"""A month is released, then delivered: by the schedule, or by somebody who approves; never by one click."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.delivery import WAITS, why_not
from connectors.delivery.ledger import Status
from connectors.delivery.mailer import MAIL
from connectors.delivery.outbox import deliver
from orchestration import approvals, schedules
from orchestration.approvals import approved_month_ends
from orchestration.definitions import build_defs
from orchestration.delivery_events import show_delivery
from publication.delivery import DeliveryService, HeldBack
from publication.release import Novelty, release_of, state_of
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.publication.april import delivery_of, publish_april
from tests.reports.months import MONTH
from tests.temporary_instance import temporary_instance

DELIVERING = ["month_end_release", "month_end_delivery"]
BY_SCHEDULE = {"dagster/schedule_name": "month_end_schedule"}


@pytest.mark.parametrize(
    ("job", "tags", "delivers"),
    [
        ("month_end", {"dagster/partition": "2026-03"}, True),
        ("month_end", {"dagster/partition": "2026-03", "dagster/backfill": "abc"}, False),
        ("restatement", {"dagster/partition": "2026-03"}, False),
        ("__ASSET_JOB", {}, False),
        ("release", {"dagster/partition": "2026-03"}, True),
    ],
)
def test_only_a_single_run_of_the_month_end_delivers(
    job: str,
    tags: dict[str, str],
    delivers: bool,  # noqa: FBT001
) -> None:
    """A backfill never mails anyone, whoever starts it and however."""
    assert (why_not(dg.DagsterRun(job, tags=tags)) is None) == delivers


class Office:
    """A published month, a mail server, and Dagster."""

    def __init__(self, folder: Path, port: int, inbox: Inbox) -> None:
        self.folder, self.port, self.inbox = folder, port, inbox
        self.instance = temporary_instance(folder)

    def room(self, rules: str = "") -> DeliveryService:
        return delivery_of(self.folder, self.port, rules)

    def run(
        self, job: str, tags: dict[str, str] | None = None, name: str = "", rules: str = ""
    ) -> dg.ExecuteInProcessResult:
        config = {"ops": {"month_end_release": {"config": {"approved_by": name}}}}
        defs = build_defs(delivery_service=self.room(rules))
        return defs.resolve_job_def(job).execute_in_process(
            run_config=config,
            partition_key=str(MONTH),
            instance=self.instance,
            tags=tags,
            asset_selection=[dg.AssetKey(each) for each in DELIVERING],
            raise_on_error=False,
        )

    def made(self, asset: str) -> list[dict[str, object]]:
        records = self.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
        return [
            {name: value.value for name, value in each.asset_materialization.metadata.items()}
            for each in records
            if each.asset_materialization
        ]

    def seen(self) -> dict[str, object]:
        newest = self.instance.fetch_observations(dg.AssetKey(DELIVERING[0]), limit=1).records[0]
        assert newest.asset_observation
        return {name: each.value for name, each in newest.asset_observation.metadata.items()}

    def asked(self) -> list[object]:
        context = dg.build_sensor_context(instance=self.instance)
        return list(approved_month_ends(context))  # type: ignore[arg-type]  # a generator


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    publish_april(tmp_path)
    inbox = Inbox()
    with serving(inbox) as port:
        made = Office(tmp_path, port, inbox)
        monkeypatch.setattr(approvals, "make_delivery_service", made.room)
        yield made


def test_launched_by_hand_it_waits_and_shows_who_gets_what(office: Office) -> None:
    done = office.run("month_end")
    assert done.success
    assert office.inbox.envelopes == []
    assert [office.made(each) for each in DELIVERING] == [[], []]
    seen = office.seen()
    assert "an approval" in str(seen[WAITS])
    assert "md@acme.example" in str(seen["who_gets_what"])
    assert seen["what_differs"] == "this is the first revision"
    assert (seen["not_sent_yet"], seen["sent_before"]) == (4, 0)


def test_it_goes_on_once_somebody_approves(office: Office) -> None:
    """Also on the terminal: a sensor launches the release of these very documents, once."""
    office.run("month_end")
    (nothing,) = office.asked()
    assert isinstance(nothing, dg.SkipReason)
    assert "no month end that waits was approved" in str(nothing.skip_message)
    office.room().approve(MONTH, "Ada")
    (request,) = office.asked()
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-04"
    assert office.run("release", {"dagster/sensor_name": "approved_month_ends"}).success
    assert office.made("month_end_release")[0]["released_by"] == "Ada"
    state = office.made("month_end_delivery")[0]
    assert (state["handed_over"], state["mails_sent"]) == (5, 4)
    assert len(office.inbox.envelopes) == 3
    (nothing,) = office.asked()
    assert isinstance(nothing, dg.SkipReason)


def test_a_name_in_the_launchpad_approves(office: Office) -> None:
    assert office.run("release").success
    assert office.inbox.envelopes == []
    assert office.run("release", name="  Ada ").success
    assert office.made("month_end_release")[0]["released_by"] == "Ada"
    assert len(office.inbox.envelopes) == 3


def test_the_schedule_delivers_by_itself_where_policy_lets_it(office: Office) -> None:
    held = office.run("month_end", BY_SCHEDULE, rules="[delivery]\nneeds_approval = true\n")
    assert not held.success
    assert "nobody has approved of 2026-04" in str(office.seen()[WAITS])
    assert [recipients for recipients, _ in office.inbox.envelopes] == [
        ["operations@acme.example"]
    ], "who needs to know was told"
    assert office.run("month_end", BY_SCHEDULE).success
    assert office.made("month_end_release")[0]["released_by"] == "month_end_schedule"
    assert len(office.inbox.envelopes) == 1 + 3


def test_what_is_shown_is_the_ledgers_whatever_run_looked(office: Office) -> None:
    """Today's run mailed nothing; what went out of the month did all the same."""
    office.run("release", name="Ada")
    office.run("month_end", BY_SCHEDULE)
    assert office.made("month_end_delivery")[0]["mails_sent"] == 4
    backfill = office.run("month_end", {"dagster/backfill": "abc"})
    assert backfill.success
    assert len(office.made("month_end_delivery")) == 2, "a backfill says nothing of deliveries"
    assert "a backfill never delivers" in str(office.seen()["why_not"])
    show_delivery(office.instance, office.room(), MONTH)
    assert office.made("month_end_delivery")[0]["mails_sent"] == 4


def test_a_release_knows_the_ledger(office: Office) -> None:
    release = release_of(office.room(), MONTH)
    assert release.unsent == 3
    assert state_of(office.room(), MONTH).is_empty
    office.room().send(MONTH)
    release = release_of(office.room(), MONTH)
    assert {each.novelty for each in release.documents} == {Novelty.SENT}
    assert release.unsent == 0
    assert not state_of(office.room(), MONTH).is_empty


def test_an_approval_of_newer_documents_counts_for_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were printed again since the month began to wait: nobody needs to launch it once more."""
    office.run("month_end")
    usual = DeliveryService.digest
    monkeypatch.setattr(DeliveryService, "digest", lambda room, month: "new" + usual(room, month))
    office.room().approve(MONTH, "Ada")
    (request,) = office.asked()
    assert isinstance(request, dg.RunRequest)
    assert "new" in str(request.run_key)


def test_a_month_that_cannot_be_read_or_is_held_all_the_same_is_not_launched_again_and_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.run("month_end")
    office.room().approve(MONTH, "Ada")
    held = "[delivery]\nhours_after_month_end = 300\n"
    monkeypatch.setattr(approvals, "make_delivery_service", lambda: office.room(held))
    assert isinstance(office.asked()[0], dg.SkipReason)
    monkeypatch.setattr(approvals, "make_delivery_service", office.room)
    office.room().send(MONTH)  # from the terminal
    assert isinstance(office.asked()[0], dg.SkipReason), "it went out"
    (office.room().workspace.published.documents(MONTH) / "manifest.json").write_text("{")
    assert isinstance(office.asked()[0], dg.SkipReason), "one month holds up no other"


def test_whoever_repeats_a_run_has_neither_its_schedule_nor_its_approval(office: Office) -> None:
    again = {"dagster/parent_run_id": "0123456789"}
    assert office.run("month_end", BY_SCHEDULE | again).success
    assert office.run("release", again, name="Ada").success
    assert office.inbox.envelopes == []
    assert "an approval" in str(office.seen()[WAITS])


def test_what_was_published_since_the_release_does_not_go(office: Office) -> None:
    with pytest.raises(HeldBack, match="was published again since it was released"):
        office.room().send(MONTH, released="of other documents")
    assert office.inbox.envelopes == []


def test_what_went_out_counts_whatever_was_planned_since_and_what_was_refused_is_not_new(
    office: Office,
) -> None:
    office.room().send(MONTH)
    ledger = office.room().ledger
    (one, *_) = ledger.all(str(MONTH))
    ledger.plan(str(MONTH), one.channel, [(one.recipient, one.file, "a" * 64)])
    assert state_of(office.room(), MONTH).mails == {Status.SENT: 4}
    ledger.note([one], Status.REFUSED)
    release = release_of(office.room(), MONTH)
    assert Novelty.REFUSED in {each.novelty for each in release.documents}
    assert release.unsent == 0


def test_a_month_of_which_only_a_part_went_out_is_not_delivered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mails wait: the schedule tries again, whatever Dagster shows of it."""
    monkeypatch.setattr(schedules, "make_delivery_service", office.room)
    assert not schedules.is_delivered(MONTH)
    room = office.room()
    deliver(room.workspace.published.documents(MONTH), MONTH, room.outbox)
    room.ledger.plan(str(MONTH), MAIL, [("md@acme.example", "company.pdf", "a" * 64)])
    assert show_delivery(office.instance, room, MONTH)
    assert not schedules.is_delivered(MONTH)
    room.ledger.note(room.ledger.all(str(MONTH)), Status.SENT)
    assert schedules.is_delivered(MONTH)
