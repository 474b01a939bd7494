"""The connector against the org over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from connectors.salesforce.auth import Login, LoginRefused, MissingSetting, NotLocal
from connectors.salesforce.cells import UnreadableValue
from connectors.salesforce.diagnostics import examine_organization
from connectors.salesforce.pull import SalesforceClient
from connectors.salesforce.reader import BULK_FROM_ROWS
from connectors.salesforce.refusals import SalesforceUnavailable
from connectors.salesforce.source import MissingField, MissingObject
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from sales.periods import FiscalMonth
from sales.policy.rules import CustomFields
from tests.fakes import at, pulled

pytestmark = pytest.mark.slow

INSTANT = "2026-01-05T10:00:00.000+0000"
HOSTILE = [
    "NA",
    "None",
    "null",
    "=1+1",
    'quo"tes',
    "two\nlines",
    "comma, semi;",
    "<b>&amp;",
    "日本",
    "a\u0000b",
    " padded ",
    "\u202eabc",
]


def small_org(
    names: list[str | None], custom: dict[str, object] | None = None, **organization: object
) -> Org:
    org = Org()
    org.add(
        "Organization",
        [
            "Id",
            "Name",
            "TimeZoneSidKey",
            "FiscalYearStartMonth",
            "UsesStartDateAsFiscalYearName",
            "DefaultLocaleSidKey",
        ],
        [
            {
                "Id": "00D000000000001AAA",
                "Name": "Acme",
                "TimeZoneSidKey": "Europe/Berlin",
                "FiscalYearStartMonth": 4,
                "UsesStartDateAsFiscalYearName": False,
                "DefaultLocaleSidKey": "de_DE",
                **organization,
            }
        ],
    )
    org.add(
        "User",
        ["Id", "Name", "Username", "Email", "IsActive", "UserRoleId", "ManagerId"],
        [{"Id": "005000000000001AAA", "Name": "Ann", "Username": "ann", "IsActive": True}],
    )
    org.add(
        "OpportunityStage",
        [
            "Id",
            "MasterLabel",
            "ApiName",
            "IsClosed",
            "IsWon",
            "SortOrder",
            "DefaultProbability",
            "ForecastCategoryName",
        ],
        [
            {
                "Id": "01J1",
                "MasterLabel": "Open",
                "ApiName": "open_api",
                "IsClosed": False,
                "IsWon": False,
                "SortOrder": 1,
            }
        ],
    )
    deals = [
        {
            "Id": f"006{n:012d}AAA",
            "IsDeleted": n % 7 == 6,
            "Name": name,
            "StageName": "Open",
            "Amount": 1234567.89 + n,
            "CloseDate": "2026-02-28",
            "OwnerId": "005000000000001",
            "CreatedDate": INSTANT,
            "SystemModstamp": INSTANT,
            "AccountId": None,
            "ForecastCategoryName": "Commit",
            **(custom or {}),
        }
        for n, name in enumerate(names)
    ]
    org.add("Opportunity", list(deals[0]), deals)
    history = [
        {
            "Id": "008000000000001AAA",
            "OpportunityId": deals[0]["Id"],
            "CreatedDate": INSTANT,
            "StageName": "Open",
            "Amount": 1.1,
            "CloseDate": "2026-02-28",
            "Probability": 10,
            "ForecastCategory": "BestCase",
        }
    ]
    org.add("OpportunityHistory", list(history[0]), history)
    return org


@contextmanager
def client_of(
    org: Org,
    server: OrgServer | None = None,
    secret: str = "onpace-local",  # noqa: S107
) -> Iterator[SalesforceClient]:
    with serving(server or OrgServer(org)) as address:
        yield SalesforceClient(Login("", "onpace-local", secret, address))


@pytest.mark.parametrize("rows", [20, BULK_FROM_ROWS + 5])
def test_text_survives_by_rest_and_by_bulk_and_deleted_records_come_too(
    rows: int, tmp_path: Path
) -> None:
    names: list[str | None] = [HOSTILE[n % len(HOSTILE)] for n in range(rows - 1)] + [None]
    server = OrgServer(org := small_org(names), page_size=200, bulk_page=900)
    with client_of(org, server) as client:
        pull = pulled(client, tmp_path)
    table = pull.tables["raw_opportunities"].sort_values("opportunity_id")
    # NUL is the one character that cannot be kept: Bulk answers may hold it, CSV readers stop at
    # it.
    expected = [
        name.replace("\x00", "") if name and rows > BULK_FROM_ROWS else name for name in names
    ]
    assert [None if value is pd.NA else value for value in table["name"]] == expected
    assert table["is_deleted"].sum() == rows // 7
    assert table["amount"].iloc[3] == Decimal("1234570.89")
    assert table["close_date"].iloc[0] == date(2026, 2, 28)
    assert table["created_at"].iloc[0] == at("2026-01-05 10:00")
    assert set(table["owner_id"]) == {"005000000000001AAA"}  # 15 characters became 18
    assert not server.jobs.jobs  # none is left behind


def test_one_vocabulary_of_categories_and_both_names_of_a_stage(tmp_path: Path) -> None:
    with client_of(small_org(["a"])) as client:
        tables = pulled(client, tmp_path).tables
    assert tables["raw_opportunity_history"]["forecast_category"].tolist() == ["Best Case"]
    assert tables["raw_opportunities"]["forecast_category"].tolist() == ["Commit"]
    assert set(tables["raw_stages"]["stage_name"]) == {"Open", "open_api"}


def test_the_currency_comes_from_the_locale_and_absent_objects_are_findings(tmp_path: Path) -> None:
    with client_of(small_org(["a"])) as client:
        pull = pulled(client, tmp_path)
        defaults = client.organization()
    assert pull.tables["raw_organization"]["currency_code"].tolist() == ["EUR"]
    assert (defaults.start_month, defaults.named_by_end, defaults.time_zone) == (
        4,
        True,
        "Europe/Berlin",
    )
    assert set(pull.findings) >= {
        "OpportunityFieldHistory",
        "UserRole",
        "Account",
        "Opportunity.LeadSource",
    }
    assert "today's owner is assumed" in pull.findings["OpportunityFieldHistory"]
    assert pull.tables["raw_opportunity_field_history"].empty


def test_corporate_currency_and_rates_are_read_where_there_are_several(tmp_path: Path) -> None:
    org = small_org(["a"])
    org.add(
        "CurrencyType",
        ["Id", "IsoCode", "ConversionRate", "IsCorporate"],
        [
            {"Id": "1", "IsoCode": "CHF", "ConversionRate": 1, "IsCorporate": True},
            {"Id": "2", "IsoCode": "USD", "ConversionRate": 1.123456, "IsCorporate": False},
        ],
    )
    org.add(
        "DatedConversionRate",
        ["Id", "IsoCode", "StartDate", "NextStartDate", "ConversionRate"],
        [
            {
                "Id": "1",
                "IsoCode": "USD",
                "StartDate": "2026-01-01",
                "NextStartDate": "2026-02-01",
                "ConversionRate": 1.1,
            }
        ],
    )
    with client_of(org) as client:
        tables = pulled(client, tmp_path).tables
    assert tables["raw_organization"]["currency_code"].tolist() == ["CHF"]
    assert sorted(tables["raw_currency_rates"]["rate"].tolist()) == [
        Decimal(1),
        Decimal("1.1"),
        Decimal("1.123456"),
    ]


def test_a_hidden_field_stops_only_a_table_that_needs_it(tmp_path: Path) -> None:
    org = small_org(["a"])
    org.hide("Opportunity", "ForecastCategoryName")
    with client_of(org) as client:
        assert "Opportunity.ForecastCategoryName" in pulled(client, tmp_path).findings
        org.hide("Opportunity", "Amount")
        with pytest.raises(
            MissingField, match=r"field Opportunity.Amount is not visible.*grant read access"
        ):
            pulled(client, tmp_path)
        with pytest.raises(MissingField):
            examine_organization(client, CustomFields())


def test_tracked_ids_of_15_characters_become_18(tmp_path: Path) -> None:
    org = small_org(["a"])
    change = {
        "Id": "017000000000001AAA",
        "OpportunityId": "006000000000000AAA",
        "CreatedDate": INSTANT,
        "Field": "Owner",
        "DataType": "EntityId",
        "OldValue": "005000000000001",
        "NewValue": "Ann",
    }
    org.add("OpportunityFieldHistory", list(change), [change])
    with client_of(org) as client:
        pull = pulled(client, tmp_path)
    assert pull.tables["raw_opportunity_field_history"][
        ["old_value", "new_value"]
    ].to_numpy().tolist() == [["005000000000001AAA", "Ann"]]


def test_fiscal_months_come_with_their_days_and_custom_fields_of_delivery_with_theirs(
    tmp_path: Path,
) -> None:
    service = {
        "Effort_Days__c": 12.5,
        "Service_Start__c": "2026-03-01",
        "Service_End__c": "2026-04-30",
    }
    org = small_org(["a"], service)
    periods = [
        {
            "Id": "026000000000001AAA",
            "Type": "Month",
            "StartDate": "2025-12-28",
            "EndDate": "2026-01-24",
            "Number": 1,
        },
        {
            "Id": "026000000000002AAA",
            "Type": "Quarter",
            "StartDate": "2025-12-28",
            "EndDate": "2026-03-28",
            "Number": 1,
        },
    ]
    org.add("Period", list(periods[0]), periods)
    custom = CustomFields(
        effort="Effort_Days__c", service_start="Service_Start__c", service_end="Service_End__c"
    )
    with client_of(org) as client:
        pull = pulled(client, tmp_path / "with", custom=custom)
        bare = pulled(client, tmp_path / "without")
        assert client.organization().fiscal_months == (
            FiscalMonth(date(2025, 12, 28), date(2026, 1, 24), 1),
        )
    deal = pull.tables["raw_opportunities"].iloc[0]
    assert deal[["effort_days", "service_start", "service_end"]].tolist() == [
        12.5,
        date(2026, 3, 1),
        date(2026, 4, 30),
    ]
    assert (
        bare.tables["raw_opportunities"][["effort_days", "service_start", "service_end"]]
        .isna()
        .all(axis=None)
    )
    assert pull.tables["raw_periods"][["kind", "number"]].to_numpy().tolist() == [
        ["Month", 1],
        ["Quarter", 1],
    ]
    with (
        client_of(small_org(["a"])) as client,
        pytest.raises(MissingField, match=r"Effort_Days__c.*correct \[clients\] effort_field"),
    ):
        pulled(client, tmp_path / "hidden", custom=custom)


def test_a_hidden_object_that_is_needed_stops(tmp_path: Path) -> None:
    org = small_org(["a"])
    del org.objects["OpportunityHistory"]
    with client_of(org) as client, pytest.raises(MissingObject, match="OpportunityHistory"):
        pulled(client, tmp_path)


def test_a_wrong_secret_is_one_sentence_without_the_secret(tmp_path: Path) -> None:
    with (
        client_of(small_org(["a"]), secret="hunter2") as client,
        pytest.raises(LoginRefused) as refused,
    ):
        pulled(client, tmp_path)
    assert "invalid_client" in str(refused.value)
    assert "check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET" in str(refused.value)
    assert "hunter2" not in str(refused.value) + repr(client.login)


def test_an_org_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    with client_of(small_org(["a"])) as client:
        pass
    with pytest.raises(SalesforceUnavailable, match="did not answer when asked to log in"):
        pulled(client, tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:1",
        "http://example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "file:///etc",
        "http://[::2]:80",
        "http://[::1",
    ],
)
def test_only_loopback_is_local(url: str) -> None:
    with pytest.raises(NotLocal):
        Login("", "a", "b", url)


@pytest.mark.parametrize(
    ("values", "named"),
    [(("", "", ""), "CLIENT_ID"), (("", "a", ""), "CLIENT_SECRET"), (("", "a", "b"), "DOMAIN")],
)
def test_a_missing_setting_is_named(values: tuple[str, str, str], named: str) -> None:
    with pytest.raises(MissingSetting, match=named):
        Login(*values)


def test_an_amount_that_is_no_number_names_the_field(tmp_path: Path) -> None:
    org = small_org(["a"])
    org.run('UPDATE "Opportunity" SET "CloseDate" = \'soon\'')
    with (
        client_of(org) as client,
        pytest.raises(UnreadableValue, match="Opportunity.CloseDate holds a value that is no day"),
    ):
        pulled(client, tmp_path)
