"""Whatever goes wrong at Salesforce: the tables are those of a run without faults, or nothing is stored and a sentence says why."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connectors.salesforce.bulk import BulkQueries
from connectors.salesforce.reader import BULK_FROM_ROWS, MOST_ATTEMPTS
from connectors.salesforce.refusals import (
    DailyLimitReached,
    IncompleteAnswer,
    RequestRefused,
    SalesforceUnavailable,
)
from embedded_org.faults import KNOWN
from sales.policy.rules import CustomFields
from tests.connectors.salesforce.orgs import LivingOrg, Reading, known, reading, truth
from tests.fakes import at

pytestmark = pytest.mark.slow

SMALL, LARGE = 450, BULK_FROM_ROWS + 300
# Faults that a pull overcomes by itself, with the path that meets them.
OVERCOME = [name for name in KNOWN if name != "daily-limit"]


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name])


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["by REST", "by Bulk"])
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, dict[str, pd.DataFrame]]:
    living = LivingOrg(request.param)
    with reading(living, tmp_path_factory.mktemp("whole"), 200, 1_000) as one:
        return request.param, one.tables(one.pull())


@pytest.mark.parametrize("fault", OVERCOME)
@pytest.mark.parametrize("times", [2])
def test_every_fault_is_overcome(
    fault: str, times: int, whole: tuple[int, dict[str, pd.DataFrame]], tmp_path: Path
) -> None:
    deals, tables = whole
    with reading(LivingOrg(deals), tmp_path, 200, 1_000) as one:
        one.server.faults.order(fault, times)
        one.read_seconds = 0.5 if fault == "timeout" else 30.0
        record = one.pull()
        assert_same(one.tables(record), tables)
        meets = {"by REST": deals == SMALL, "by Bulk": deals == LARGE}
        if (
            not any(word in fault for word in ("job", "download", "bulk", "short-page"))
            or meets["by Bulk"]
        ):
            assert one.server.faults.happened.get(fault) or (
                fault in {"expired-locator", "expired-session-in-paging"} and meets["by Bulk"]
            )
        assert not [
            job for job in one.server.jobs.jobs.values() if job.state != "Aborted"
        ]  # none is left behind
        assert not (tmp_path / "pulling").exists()


def test_an_expired_session_in_a_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with reading(LivingOrg(LARGE), tmp_path, 200, 1_000) as one:
        one.server.faults.order("expired-session-in-download", 1)
        before = one.server.jobs.created
        one.pull()
        assert (
            one.server.jobs.created - before == 2
        )  # one job for opportunities, one for their history: none was made again


def test_a_lost_answer_never_makes_two_jobs(tmp_path: Path) -> None:
    with reading(LivingOrg(LARGE), tmp_path, 200, 1_000) as one:
        one.server.faults.order("lost-job", 2)
        one.pull()
        assert one.server.faults.happened == {"lost-job": 2}
        assert one.server.jobs.created == 2


def pull_into_the_limit(one: Reading, custom: CustomFields) -> None:
    """Begin a pull that the daily limit stops at the fourth page, and lift the limit."""
    one.server.faults.order("expired-session-in-download", 0)
    original = BulkQueries.page
    pages: list[str] = []

    def page(self: BulkQueries, job_id: str, locator: str, fields: list[str]) -> object:
        pages.append(job_id)
        if len(pages) == 4:
            one.server.faults.order("daily-limit", 100)
        return original(self, job_id, locator, fields)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BulkQueries, "page", page)
        with pytest.raises(
            DailyLimitReached,
            match="no requests left today.*free again by 2026-03-02 12:00 UTC",
        ):
            one.pull(custom=custom)
    one.server.faults.order("daily-limit", 0)


def test_a_pull_does_not_go_on_where_policy_names_another_field_by_now(tmp_path: Path) -> None:
    """Both fields are read anyway; what was read already fills the column with the first one."""
    living = LivingOrg(LARGE)
    living.org.run("""UPDATE "Opportunity" SET "LeadSource" = 'Web'""")
    with reading(living, tmp_path, 200, 500) as one:
        pull_into_the_limit(one, CustomFields(dimension="Name"))
        living.later(hours=23)
        record = one.pull(custom=CustomFields(dimension="LeadSource"))
        assert not any("going on with" in line for line in one.said)
        assert set(one.tables(record)["raw_opportunities"]["dimension"]) == {"Web"}


def test_a_daily_limit_stops_with_the_time_it_resets_and_keeps_what_was_read(
    tmp_path: Path,
) -> None:
    living = LivingOrg(LARGE)
    with reading(living, tmp_path, 200, 500) as one:
        pull_into_the_limit(one, CustomFields())
        assert one.store.latest() is None
        assert (tmp_path / "pulling" / "pull.json").exists()
        jobs = one.server.jobs.created
        living.later(hours=23)
        record = one.pull()
        assert any("going on with the pull of 2026-03-01 11:59" in line for line in one.said)
        assert record.extracted_at == at("2026-03-02 10:59")  # and what happened since was read too
        assert known(one.tables(record)) == truth(living)
        assert (
            one.server.jobs.created - jobs <= 1
        )  # the job that was being downloaded was found again


def test_stopping_aborts_the_job_and_the_next_pull_goes_on(tmp_path: Path) -> None:
    """As Ctrl-C does: in the middle of waiting for a job."""
    living = LivingOrg(LARGE)
    with reading(living, tmp_path, 200, 1_000) as one:

        def stop(_: float) -> None:
            raise KeyboardInterrupt

        client = one.client()
        session = client.connected()
        session.pause = stop
        client.connected = lambda: session  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            client.pull(one.store, one.address)
        assert not one.server.jobs.jobs  # aborted and deleted
        assert one.store.latest() is None
        assert known(one.tables(one.pull())) == truth(living)


@pytest.mark.parametrize(
    ("fault", "deals", "kind", "says"),
    [
        ("unavailable", SMALL, SalesforceUnavailable, "did not answer when asked to"),
        ("busy", SMALL, RequestRefused, "ConcurrentPerOrgLongTxn Limit exceeded.; run again later"),
        ("dropped-connection", SMALL, SalesforceUnavailable, "ConnectionError"),
        (
            "short-answer",
            SMALL,
            IncompleteAnswer,
            "Salesforce announced .* records and sent .*; run again",
        ),
        ("short-page", LARGE, IncompleteAnswer, "announced .* records and holds .*; run again"),
        ("miscounted-job", LARGE, IncompleteAnswer, "processed .* and sent .*; run again"),
        ("failed-job", LARGE, RequestRefused, "failed: InternalServerError: please try again"),
        ("aborted-job", LARGE, RequestRefused, "aborted: no reason given"),
    ],
)
def test_a_fault_that_lasts_is_one_sentence_and_nothing_is_stored(
    fault: str, deals: int, kind: type[Exception], says: str, tmp_path: Path
) -> None:
    with reading(LivingOrg(deals), tmp_path, 200, 1_000) as one:
        one.server.faults.order(fault, 10_000)
        with pytest.raises(kind, match=says) as raised:
            one.pull()
        assert "\n" not in str(raised.value)
        assert one.store.latest() is None
        one.server.faults.left.clear()
        assert one.pull().rows["raw_opportunities"] == deals


def test_a_query_that_is_too_slow_is_halved_and_both_halves_are_read(tmp_path: Path) -> None:
    living = LivingOrg(LARGE)
    with reading(living, tmp_path) as one:
        one.server.faults.order("job-timeout", 3)
        record = one.pull()
        assert known(one.tables(record)) == truth(living)
        assert any("too slow for Salesforce, read in" in line for line in one.said)


class Pulls(RuleBasedStateMachine):
    """An org lives, faults come in any order, pulls are stopped: what is stored is always what the org holds."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile
        from contextlib import ExitStack

        self.stack = ExitStack()
        self.living = LivingOrg(230)
        home = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.one: Reading = self.stack.enter_context(reading(self.living, home, 200, 100))
        self.patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self.patch.setattr("connectors.salesforce.reader.BULK_FROM_ROWS", 60)
        self.next, self.dead = 230, set[int]()
        self.purged: dict[str, tuple[float | None, str, bool]] = {}
        self.is_fresh = False

    @rule(
        fault=st.sampled_from([name for name in OVERCOME if name != "timeout"]),
        times=st.integers(1, 2),
    )
    def order(self, fault: str, times: int) -> None:
        # What is tried three times overcomes two faults, whatever their kinds.
        if sum(self.one.server.faults.left.values()) + times < MOST_ATTEMPTS:
            self.one.server.faults.order(fault, times)

    @rule(
        number=st.integers(0, 229),
        amount=st.integers(1, 10_000),
        stage=st.sampled_from(["Open", "Won", "Lost"]),
    )
    def change(self, number: int, amount: int, stage: str) -> None:
        if number not in self.dead:
            self.living.change(number, amount, stage)
            self.is_fresh = False

    @rule()
    def create(self) -> None:
        self.living.change(self.next, self.next)
        self.next += 1
        self.is_fresh = False

    @rule(number=st.integers(0, 229))
    def delete(self, number: int) -> None:
        if number not in self.dead:
            self.dead.add(number)
            self.living.org.delete("Opportunity", self.living.id_of(number))
            self.is_fresh = False

    @rule(number=st.integers(0, 229), is_logged=st.booleans())
    def purge(self, number: int, *, is_logged: bool) -> None:
        record = self.living.id_of(number)
        if (
            record in truth(self.living)
            and self.one.store.latest()
            and record in known(self.one.tables(self.one.store.latest()))
        ):
            self.dead.add(number)
            self.living.org.purge("Opportunity", record, is_logged=is_logged)
            self.is_fresh = False

    @rule(hours=st.sampled_from([0.1, 5, 30, 24 * 8, 24 * 31]))
    def wait(self, hours: float) -> None:
        self.living.later(hours=hours)

    @rule()
    def pull(self) -> None:
        self.living.later(minutes=2)
        self.one.pull()
        self.is_fresh = True

    @rule()
    def stop_in_the_middle(self) -> None:
        client = self.one.client()
        session = client.connected()

        def stop(_: float) -> None:
            raise KeyboardInterrupt

        session.pause = stop
        client.connected = lambda: session  # type: ignore[method-assign]
        self.living.later(minutes=2)
        try:
            client.pull(self.one.store, self.one.address)
        except KeyboardInterrupt:
            return
        self.is_fresh = True

    @precondition(lambda self: self.is_fresh)
    @invariant()
    def what_is_stored_is_what_the_org_holds(self) -> None:
        record = self.one.store.latest()
        assert record is not None
        found = known(self.one.tables(record))
        held = truth(self.living)
        assert {key: value for key, value in found.items() if key in held} == held
        gone = set(found) - set(held)
        unexplained = {key for key in gone if not found[key][2]}
        if unexplained:  # Salesforce never said so: found when all ids are compared, once a week
            assert record.extracted_at - record.pull.watermarks[
                "Opportunity"
            ].compared_at < pd.Timedelta(days=7, minutes=1)
            logged = {each for each, _ in self.living.org.purged.get("Opportunity", [])}
            assert not unexplained & logged

    def teardown(self) -> None:
        self.stack.close()


TestPulls = Pulls.TestCase
TestPulls.settings = settings(
    max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
