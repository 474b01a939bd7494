"""The report of the month before: read as it was published, with what became of what it asked for."""

from datetime import UTC, datetime
from pathlib import Path

from connectors.storage.catalogue import Catalogue
from connectors.storage.monthly_tables import TableStore
from connectors.storage.publications import PublishedMonths
from publication.last_report import last_report
from sales.calendar import Month
from sales.contracts.forecast import Actions, LandingForecast
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.published import MONTHLY
from tests.fakes import frame

MARCH, APRIL = Month(2026, 3), Month(2026, 4)
NOW = datetime(2026, 4, 3, 9, tzinfo=UTC)


def deal(number: int, *, is_open: bool, is_won: bool = False) -> dict[str, object]:
    return {
        "month": str(MARCH),
        "opportunity_id": f"006{number}",
        "is_open": is_open,
        "is_won": is_won,
        "amount": 10,
    }


def test_it_says_what_became_of_each_readers_actions(tmp_path: Path) -> None:
    asked = [
        {
            "as_of_month": str(MARCH),
            "grain": "person",
            "grain_id": owner,
            "rank": rank,
            "rule": rule,
            "opportunity_id": None if deal is None else f"006{deal}",
        }
        for owner, rank, rule, deal in (
            ("005A", 1, "confirm", 1),
            ("005A", 2, "confirm", 2),
            ("005A", 3, "find_pipeline", None),
            ("005B", 1, "close_lost", 3),
        )
    ]
    landing = [
        {
            "as_of_month": str(MARCH),
            "grain": "company",
            "grain_id": "Acme",
            "period": "FY2026",
            "p50": 900,
        }
    ]
    tables = {
        "actions": frame(Actions, asked),
        "landing_forecast": frame(LandingForecast, landing),
        "opportunity_snapshot": frame(
            OpportunitySnapshot, [deal(n, is_open=True) for n in (1, 2, 3)]
        ),
    }
    store = TableStore(Catalogue(tmp_path))
    for name, contract in MONTHLY.items():
        store.write(name, MARCH, tables.get(name, frame(contract, [])), {"digest": name})
    published = PublishedMonths(Catalogue(tmp_path))
    now = frame(
        OpportunitySnapshot,
        [deal(1, is_open=False, is_won=True), deal(2, is_open=True), deal(3, is_open=False)],
    )
    assert last_report(published, APRIL, now) is None  # type: ignore[arg-type]
    published.publish(MARCH, "e1", NOW)
    was = last_report(published, APRIL, now)  # type: ignore[arg-type]
    assert was is not None
    assert was.month == MARCH
    assert was.outcomes("person", "005A") == {"done": 1, "open": 1}
    assert was.outcomes("person", "005B") == {"done": 1}
    assert was.outcomes("company", "Acme") == {}
    row = was.landing("company", "Acme", "FY2026")
    assert row is not None
    assert row["p50"] == 900
    assert was.landing("company", "Acme", "FY2027") is None
