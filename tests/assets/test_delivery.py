"""A month is released, then delivered: by the schedule, or by somebody who approves; never by one click."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.delivery import WAITS, why_not
from orchestration import approvals
from orchestration.approvals import approved_month_ends
from orchestration.definitions import build_defs
from orchestration.delivery_events import show_delivery
from publication.delivery import DeliveryService
from publication.release import Novelty, release_of, state_of
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.publication.april import delivery_of, publish_april
from tests.reports.months import MONTH

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
        self.instance = dg.DagsterInstance.local_temp(str(folder))

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
    assert "nobody approved yet of 2026-04" in str(nothing.skip_message)
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
