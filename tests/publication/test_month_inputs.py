import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.policy.annual_targets import InvalidTargetBook
from connectors.storage.extract_catalog import AnotherOrganization
from connectors.storage.files import write_atomically
from publication.month_inputs import Books, ExtractTooOld
from publication.preconditions import MonthNotClosed
from reports.document.theme import InvalidLogo
from sales.calendar import Month
from sales.delivery.recipients import InvalidRecipients
from sales.history.extract import EMBEDDED
from sales.history.snapshot import NothingYet
from sales.policy.rules import InvalidPolicy
from sales.targets.phased_targets import NoTargets
from sales.targets.quotas import UnclearQuotas
from tests.fakes import FakeReader, deal, extract, raw_tables, saved

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
def books(tmp_path: Path, reader: FakeReader, clock: Clock) -> Books:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    return Books(
        tmp_path / "home", tmp_path / "policy", lambda: reader, "https://acme.example", clock
    )


def again(books: Books) -> Books:
    """Return the books of another process."""
    return Books(books.home, books.policy_folder, books.connect, books.source, books.now)


def publish(books: Books, month: Month) -> None:
    content = {"revision": 1, "extract_id": books.record(month).extract_id, "tables": {}}
    write_atomically(books.home / "published" / f"{month}.json", json.dumps(content).encode())


def silent(_: str) -> None: ...


def test_a_rerun_reads_the_extract_that_is_frozen_for_the_month(
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    first = books.freeze(MARCH, silent)
    publish(books, MARCH)
    clock.now += timedelta(days=30)
    reader.raw = raw_tables(extract([deal(1), deal(2)], [saved(1, "2026-01-05 10:00")]))
    assert again(books).freeze(MARCH, silent) == first
    fresh = again(books).freeze(MARCH, silent, fresh=True)
    assert reader.pulls == 2
    assert again(books).record(MARCH) == fresh != first
    assert again(books).freeze(MARCH, silent) == first  # the fresh one was never published


def test_a_run_reads_one_extract_and_one_target_book_whatever_others_do(books: Books) -> None:
    first = books.freeze(MARCH, silent)
    lines = books.target_book(MARCH)
    (books.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,9\n"
    )
    assert again(books).freeze(MARCH, silent, fresh=True, shared_age=timedelta(0)) != first
    assert books.record(MARCH) == first
    assert books.target_book(MARCH) is lines


def test_one_pull_serves_several_months_while_it_is_young(
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    first = books.freeze(MARCH, silent)
    assert books.freeze(APRIL, silent) == first
    assert reader.pulls == 1
    clock.now += timedelta(hours=7)
    assert again(books).freeze(Month(2026, 2), silent) != first
    assert again(books).freeze(Month(2026, 1), silent, shared_age=timedelta(0)).extract_id
    assert reader.pulls == 3


def test_a_pull_from_before_the_month_end_does_not_serve_it(
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    books.freeze(APRIL, silent)
    clock.now = datetime(2026, 6, 1, 1, tzinfo=UTC)
    books.freeze(Month(2026, 5), silent, shared_age=timedelta(days=99))
    assert reader.pulls == 2


def stored(books: Books) -> list[str]:
    return sorted(str(path) for path in books.home.rglob("*"))


def test_bad_input_stores_nothing(books: Books) -> None:
    folder = books.policy_folder
    (folder / "targets.csv").write_text("fiscal_year,owner,annual_target\n2026,nobody,1\n")
    with pytest.raises(InvalidTargetBook):
        books.freeze(MARCH, silent)
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2025,ann@acme.example,1\n"
    )
    with pytest.raises(NoTargets):
        again(books).freeze(MARCH, silent)
    (folder / "fy2026.toml").write_text("[phasing]\nmethd = 1\n")
    with pytest.raises(InvalidPolicy):
        again(books).freeze(MARCH, silent)
    (folder / "fy2026.toml").write_text('[targets]\nsource = "salesforce"\n')
    with pytest.raises(UnclearQuotas, match="sees no quota; grant View All Forecasts"):
        again(books).freeze(MARCH, silent)
    (folder / "fy2026.toml").write_text('[targets]\nsource = "../../etc/passwd"\n')
    with pytest.raises(InvalidPolicy, match="outside the policy folder"):
        again(books).freeze(MARCH, silent)
    (folder / "fy2026.toml").write_text('[brand.people."nobody@acme.example"]\npaper = "Letter"\n')
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1\n"
    )
    with pytest.raises(
        InvalidPolicy, match=r"\[brand.people\] 'nobody@acme.example' is no user name"
    ):
        again(books).freeze(MARCH, silent)
    (folder / "fy2026.toml").write_text("")
    (folder / "recipients.toml").write_text("[[recipients]]\naddress = 'nobody'\npacks = ['own']\n")
    with pytest.raises(InvalidRecipients, match="is no e-mail address"):
        again(books).freeze(MARCH, silent)
    (folder / "recipients.toml").unlink()
    (folder / "fy2026.toml").write_text('[brand]\nlogo = "none.png"\n')
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1\n"
    )
    with pytest.raises(InvalidLogo):
        again(books).freeze(MARCH, silent)
    assert stored(books) == []


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
    books: Books, month: Month, fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        books.freeze(month, silent)
    assert stored(books) == []


def test_closed_means_closed_where_the_company_is(
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    """On the first of May, 03:00 UTC, April is not over in New York."""
    reader.raw = raw_tables(
        extract([deal(1)], [saved(1, "2026-01-05 10:00")], time_zone="America/New_York")
    )
    clock.now = datetime(2026, 5, 1, 3, tzinfo=UTC)
    with pytest.raises(MonthNotClosed, match="ends on 2026-05-01 04:00 UTC"):
        books.freeze(APRIL, silent)
    clock.now = datetime(2026, 5, 1, 4, tzinfo=UTC)
    assert books.freeze(APRIL, silent)


def test_demo_numbers_are_never_taken_for_real_ones(books: Books) -> None:
    demo = Books(books.home, books.policy_folder, books.connect, EMBEDDED, books.now)
    demo.freeze(MARCH, silent)
    publish(demo, MARCH)
    with pytest.raises(AnotherOrganization, match="set ONPACE_HOME to another folder"):
        again(books).freeze(MARCH, silent)


def test_the_zone_comes_from_the_policy_else_from_the_organisation(
    books: Books, reader: FakeReader
) -> None:
    assert books.time_zone == "UTC"
    reader.raw = raw_tables(
        extract([deal(1)], [saved(1, "2026-01-05 10:00")], time_zone="Asia/Tokyo")
    )
    books.freeze(MARCH, silent)
    assert books.time_zone == "Asia/Tokyo"
    (books.policy_folder / "fy2026.toml").write_text(
        '[fiscal]\ntime_zone = "Europe/Paris"\n[delivery]\nworking_day = 5\n'
    )
    (books.policy_folder / "fy2027.toml").write_text("[delivery]\nworking_day = 1\n")
    assert again(books).time_zone == "Europe/Paris"
    assert again(books).policy_of(MARCH).delivery.working_day == 5


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
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    """Ann sold in North at the end of April, and moved to South in June."""
    first = books.freeze(APRIL, silent)
    assert (books.is_copy(APRIL), books.is_copy(MARCH, MARCH)) == (True, False)
    publish(books, APRIL)
    clock.now += timedelta(days=60)
    moved_to_south(reader)
    later = again(books)
    assert later.freeze(APRIL, silent, fresh=True) == first
    assert reader.pulls == 1  # nothing had to be asked
    assert later.people(APRIL).teams.to_pylist()[0] == "North"
    fresh = again(books)
    assert (
        fresh.freeze(APRIL, silent, fresh=True, shared_age=timedelta(0), reconstruct=True) != first
    )
    assert fresh.people(APRIL).teams.to_pylist()[0] == "South"
    assert not fresh.is_copy(APRIL)


def test_a_later_month_looks_back_on_our_own_copies(
    books: Books, reader: FakeReader, clock: Clock
) -> None:
    books.freeze(APRIL, silent)
    clock.now += timedelta(days=60)
    moved_to_south(reader)
    june = Month(2026, 6)
    now = again(books)
    now.freeze(june, silent)
    assert now.history_at(APRIL, june).extract.users["role_id"].tolist()[0] == "00EN"
    assert (
        now.history_at(MARCH, june).extract.users["role_id"].tolist()[0] == "00ES"
    )  # no copy of March: today's roles
    assert [month for month, _, _ in now.year_to_date(june)] == [
        Month(2026, n) for n in range(1, 7)
    ]


def test_a_copy_of_a_month_that_ends_at_another_instant_by_now_is_none(books: Books) -> None:
    books.freeze(APRIL, silent)
    (books.policy_folder / "fy2026.toml").write_text('[fiscal]\ntime_zone = "Asia/Tokyo"\n')
    assert again(books).copy_of(APRIL) is None


def test_an_extract_read_weeks_after_a_month_end_is_no_copy_of_it(
    books: Books, clock: Clock
) -> None:
    clock.now += timedelta(days=20)
    books.freeze(APRIL, silent)
    assert books.copy_of(APRIL) is None


def test_a_policy_that_names_an_amount_field_asks_for_a_new_extract(
    books: Books, reader: FakeReader
) -> None:
    books.freeze(MARCH, silent)
    publish(books, MARCH)
    (books.policy_folder / "fy2026.toml").write_text('[pipeline]\namount_field = "ACV__c"\n')
    later = again(books)
    later.freeze(MARCH, silent)
    with pytest.raises(
        ExtractTooOld, match="was read without ACV__c.*--fresh-extract --reconstruct"
    ):
        later.history(MARCH)
    (books.policy_folder / "fy2027.toml").write_text('[pipeline]\namount_field = "TCV__c"\n')
    with pytest.raises(InvalidPolicy, match="name the amount fields ACV__c, TCV__c"):
        again(books).freeze(MARCH, silent)
    assert reader.pulls == 1
