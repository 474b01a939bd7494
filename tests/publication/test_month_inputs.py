from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.policy.annual_targets import InvalidTargetBook
from connectors.storage.extracts import AnotherOrganization
from publication.extract_selection import resolve_extract, selected
from publication.loaded_extracts import ExtractTooOld
from publication.month_end_copies import copy_of
from publication.month_inputs import resolve
from publication.preconditions import MonthNotClosed
from publication.pull_options import PullOptions
from publication.workspace import PageRules, Workspace
from reports.document.theme import InvalidLogo, themes_of
from sales.calendar import Month
from sales.delivery.recipients import InvalidRecipients
from sales.history.extract import EMBEDDED
from sales.history.snapshot import NothingYet
from sales.policy.sections import InvalidPolicy
from sales.targets.phased_targets import NoTargets
from sales.targets.quotas import UnclearQuotas
from tests.fakes import FakeReader, deal, extract, published, raw_tables, saved

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
MARCH, APRIL = Month(2026, 3), Month(2026, 4)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def reader(clock: Clock) -> FakeReader:
    return FakeReader(raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])), clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(tmp_path: Path, reader: FakeReader, clock: Clock) -> Workspace:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    return Workspace(
        tmp_path / "home",
        tmp_path / "policy",
        lambda: reader,
        "https://acme.example",
        clock,
        PageRules(themes_of),
    )


def again(workspace: Workspace) -> Workspace:
    """Return the workspace of another process."""
    return replace(workspace)


def publish(workspace: Workspace, month: Month) -> None:
    published(workspace.home, month, extract_id=selected(workspace, month).extract_id)


def silent(_: str) -> None: ...


def test_a_rerun_reads_the_extract_that_is_frozen_for_the_month(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    first = resolve_extract(workspace, MARCH, silent)
    publish(workspace, MARCH)
    clock.now += timedelta(days=30)
    reader.raw = raw_tables(extract([deal(1), deal(2)], [saved(1, "2026-01-05 10:00")]))
    assert resolve_extract(again(workspace), MARCH, silent) == first
    fresh = resolve_extract(again(workspace), MARCH, silent, PullOptions(fresh=True))
    assert reader.pulls == 2
    assert selected(again(workspace), MARCH) == fresh != first
    assert (
        resolve_extract(again(workspace), MARCH, silent) == first
    )  # the fresh one was never published


def test_a_run_reads_one_extract_and_one_target_book_whatever_others_do(
    workspace: Workspace,
) -> None:
    first = resolve_extract(workspace, MARCH, silent)
    inputs = resolve(workspace, MARCH)
    lines = inputs.target_book
    (workspace.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,9\n"
    )
    assert (
        resolve_extract(
            again(workspace), MARCH, silent, PullOptions(fresh=True, shared_pull_hours=0.0)
        )
        != first
    )
    assert inputs.record == first
    assert inputs.target_book is lines


def test_one_pull_serves_several_months_while_it_is_young(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    first = resolve_extract(workspace, MARCH, silent)
    assert resolve_extract(workspace, APRIL, silent) == first
    assert reader.pulls == 1
    clock.now += timedelta(hours=7)
    assert resolve_extract(again(workspace), Month(2026, 2), silent) != first
    assert resolve_extract(
        again(workspace), Month(2026, 1), silent, PullOptions(shared_pull_hours=0.0)
    ).extract_id
    assert reader.pulls == 3


def test_a_pull_from_before_the_month_end_does_not_serve_it(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    resolve_extract(workspace, APRIL, silent)
    clock.now = datetime(2026, 6, 1, 1, tzinfo=UTC)
    resolve_extract(workspace, Month(2026, 5), silent, PullOptions(shared_pull_hours=31 * 24.0))
    assert reader.pulls == 2


def stored(workspace: Workspace) -> list[str]:
    return sorted(str(path) for path in workspace.home.rglob("*"))


def test_bad_input_stores_nothing(workspace: Workspace) -> None:
    folder = workspace.policy_folder
    (folder / "targets.csv").write_text("fiscal_year,owner,annual_target\n2026,nobody,1\n")
    with pytest.raises(InvalidTargetBook):
        resolve_extract(workspace, MARCH, silent)
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2025,ann@acme.example,1\n"
    )
    with pytest.raises(NoTargets):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "fy2026.toml").write_text("[phasing]\nmethd = 1\n")
    with pytest.raises(InvalidPolicy):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "fy2026.toml").write_text('[targets]\nsource = "salesforce"\n')
    with pytest.raises(UnclearQuotas, match="sees no quota; grant View All Forecasts"):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "fy2026.toml").write_text('[targets]\nsource = "../../etc/passwd"\n')
    with pytest.raises(InvalidPolicy, match="outside the policy folder"):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "fy2026.toml").write_text('[brand.people."nobody@acme.example"]\npaper = "Letter"\n')
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1\n"
    )
    with pytest.raises(
        InvalidPolicy, match=r"\[brand.people\] 'nobody@acme.example' is not a user name"
    ):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "fy2026.toml").write_text("")
    (folder / "recipients.toml").write_text("[[recipients]]\naddress = 'nobody'\npacks = ['own']\n")
    with pytest.raises(InvalidRecipients, match="is no e-mail address"):
        resolve_extract(again(workspace), MARCH, silent)
    (folder / "recipients.toml").unlink()
    (folder / "fy2026.toml").write_text('[brand]\nlogo = "none.png"\n')
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1\n"
    )
    with pytest.raises(InvalidLogo):
        resolve_extract(again(workspace), MARCH, silent)
    assert stored(workspace) == []


@pytest.mark.parametrize(
    ("month", "fault", "says"),
    [
        (
            Month(2026, 5),
            MonthNotClosed,
            "2026-05 is not closed; the latest closed month is 2026-04",
        ),
        (Month(2030, 1), MonthNotClosed, "not closed"),
        (
            Month(2025, 12),
            NothingYet,
            "2025-12 is before the first opportunity, which was created on 2026-01-05",
        ),
        (Month(2014, 12), MonthNotClosed, "before 2015-01"),
    ],
)
def test_a_month_that_cannot_be_reported_is_refused(
    workspace: Workspace, month: Month, fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        resolve_extract(workspace, month, silent)
    assert stored(workspace) == []


def test_closed_means_closed_where_the_company_is(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    """On the first of May, 03:00 UTC, April is not over in New York."""
    reader.raw = raw_tables(
        extract([deal(1)], [saved(1, "2026-01-05 10:00")], time_zone="America/New_York")
    )
    clock.now = datetime(2026, 5, 1, 3, tzinfo=UTC)
    with pytest.raises(MonthNotClosed, match="ends on 2026-05-01 04:00 UTC"):
        resolve_extract(workspace, APRIL, silent)
    clock.now = datetime(2026, 5, 1, 4, tzinfo=UTC)
    assert resolve_extract(workspace, APRIL, silent)


def test_demo_numbers_are_never_taken_for_real_ones(workspace: Workspace) -> None:
    demo = replace(workspace, source=EMBEDDED)
    resolve_extract(demo, MARCH, silent)
    publish(demo, MARCH)
    with pytest.raises(AnotherOrganization, match="set ONPACE_HOME to another folder"):
        resolve_extract(again(workspace), MARCH, silent)


def test_the_zone_comes_from_the_policy_else_from_the_organisation(
    workspace: Workspace, reader: FakeReader
) -> None:
    assert workspace.time_zone == "UTC"
    reader.raw = raw_tables(
        extract([deal(1)], [saved(1, "2026-01-05 10:00")], time_zone="Asia/Tokyo")
    )
    resolve_extract(workspace, MARCH, silent)
    assert workspace.time_zone == "Asia/Tokyo"
    (workspace.policy_folder / "fy2026.toml").write_text(
        '[fiscal]\ntime_zone = "Europe/Paris"\n[delivery]\nworking_day = 5\n'
    )
    (workspace.policy_folder / "fy2027.toml").write_text("[delivery]\nworking_day = 1\n")
    assert again(workspace).time_zone == "Europe/Paris"
    assert again(workspace).policy_of(MARCH).delivery.working_day == 5


def moved_to_south(reader: FakeReader) -> None:
    ann = {
        "user_id": "005A",
        "name": "Ann",
        "username": "ann@acme.example",
        "email": "ann@acme.example",
        "is_active": True,
        "role_id": "00ES",
    }
    reader.raw = raw_tables(
        extract([deal(1, owner_id="005A")], [saved(1, "2026-01-05 10:00")], users=[ann])
    )


def test_our_own_copy_of_a_month_end_stands_whatever_salesforce_says_later(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    """Ann sold in North at the end of April, and moved to South in June."""
    first = resolve_extract(workspace, APRIL, silent)
    april = resolve(workspace, APRIL)
    assert (april.is_copy, MARCH in april.copies) == (True, False)
    publish(workspace, APRIL)
    clock.now += timedelta(days=60)
    moved_to_south(reader)
    later = again(workspace)
    assert resolve_extract(later, APRIL, silent, PullOptions(fresh=True)) == first
    assert reader.pulls == 1  # nothing had to be asked
    assert resolve(later, APRIL).people.teams.to_pylist()[0] == "North"
    fresh = again(workspace)
    assert (
        resolve_extract(
            fresh, APRIL, silent, PullOptions(fresh=True, shared_pull_hours=0.0, reconstruct=True)
        )
        != first
    )
    assert resolve(fresh, APRIL).people.teams.to_pylist()[0] == "South"
    assert not resolve(fresh, APRIL).is_copy


def test_a_later_month_looks_back_on_our_own_copies(
    workspace: Workspace, reader: FakeReader, clock: Clock
) -> None:
    resolve_extract(workspace, APRIL, silent)
    clock.now += timedelta(days=60)
    moved_to_south(reader)
    june = Month(2026, 6)
    now = again(workspace)
    resolve_extract(now, june, silent)
    its = resolve(now, june)
    assert its.history_at(APRIL).extract.users["role_id"].tolist()[0] == "00EN"
    assert (
        its.history_at(MARCH).extract.users["role_id"].tolist()[0] == "00ES"
    )  # no copy of March: today's roles
    assert [month for month, _, _ in its.year_to_date()] == [Month(2026, n) for n in range(1, 7)]


def test_a_copy_of_a_month_that_ends_at_another_instant_by_now_is_none(
    workspace: Workspace,
) -> None:
    resolve_extract(workspace, APRIL, silent)
    (workspace.policy_folder / "fy2026.toml").write_text('[fiscal]\ntime_zone = "Asia/Tokyo"\n')
    assert copy_of(again(workspace), APRIL) is None


def test_an_extract_read_weeks_after_a_month_end_is_no_copy_of_it(
    workspace: Workspace, clock: Clock
) -> None:
    clock.now += timedelta(days=20)
    resolve_extract(workspace, APRIL, silent)
    assert copy_of(workspace, APRIL) is None


def test_a_policy_that_names_an_amount_field_asks_for_a_new_extract(
    workspace: Workspace, reader: FakeReader
) -> None:
    resolve_extract(workspace, MARCH, silent)
    publish(workspace, MARCH)
    (workspace.policy_folder / "fy2026.toml").write_text('[pipeline]\namount_field = "ACV__c"\n')
    later = again(workspace)
    resolve_extract(later, MARCH, silent)
    with pytest.raises(
        ExtractTooOld, match="was read without ACV__c.*--fresh-extract --reconstruct"
    ):
        _ = resolve(later, MARCH).history
    (workspace.policy_folder / "fy2027.toml").write_text('[pipeline]\namount_field = "TCV__c"\n')
    with pytest.raises(InvalidPolicy, match="name the amount fields ACV__c, TCV__c"):
        resolve_extract(again(workspace), MARCH, silent)
    assert reader.pulls == 1


def test_two_workspaces_of_the_same_places_are_two(workspace: Workspace) -> None:
    """Each holds the policy as it read it: what is kept for one must never answer for the other."""
    assert again(workspace) != workspace
