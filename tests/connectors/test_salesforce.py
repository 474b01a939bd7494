"""The connector against the org over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from starlette.requests import Request
from starlette.responses import Response

from connectors.salesforce import MissingField, MissingObject, SalesforceClient, UnreadableValue
from connectors.salesforce_wire import (
    BULK_FROM_ROWS,
    IncompleteAnswer,
    Login,
    LoginRefused,
    MissingSetting,
    NotLocal,
    RequestRefused,
    SalesforceUnavailable,
    Wire,
)
from local_org.objects import Org
from local_org.server import OrgServer, serving
from tests.fakes import at

INSTANT = "2026-01-05T10:00:00.000+0000"
HOSTILE = ["NA", "None", "null", "=1+1", 'quo"tes', "two\nlines", "comma, semi;", "<b>&amp;", "日本", "a\u0000b", " padded ", "\u202eabc"]


def small_org(names: list[str | None], **organization: object) -> Org:
    org = Org()
    org.add("Organization", ["Id", "Name", "TimeZoneSidKey", "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName", "DefaultLocaleSidKey"],
            [{"Id": "00D000000000001AAA", "Name": "Acme", "TimeZoneSidKey": "Europe/Berlin", "FiscalYearStartMonth": 4,
              "UsesStartDateAsFiscalYearName": False, "DefaultLocaleSidKey": "de_DE", **organization}])  # fmt: skip
    org.add(
        "User",
        ["Id", "Name", "Username", "Email", "IsActive", "UserRoleId", "ManagerId"],
        [{"Id": "005000000000001AAA", "Name": "Ann", "Username": "ann", "IsActive": True}],
    )
    org.add("OpportunityStage", ["Id", "MasterLabel", "ApiName", "IsClosed", "IsWon", "SortOrder", "DefaultProbability", "ForecastCategoryName"],
            [{"Id": "01J1", "MasterLabel": "Open", "ApiName": "open_api", "IsClosed": False, "IsWon": False, "SortOrder": 1}])  # fmt: skip
    deals = [
        {"Id": f"006{n:012d}AAA", "IsDeleted": n % 7 == 6, "Name": name, "StageName": "Open", "Amount": 1234567.89 + n, "CloseDate": "2026-02-28",
         "OwnerId": "005000000000001", "CreatedDate": INSTANT, "SystemModstamp": INSTANT, "AccountId": None, "ForecastCategoryName": "Commit"}
        for n, name in enumerate(names)
    ]  # fmt: skip
    org.add("Opportunity", list(deals[0]), deals)
    history = [{"Id": "008000000000001AAA", "OpportunityId": deals[0]["Id"], "CreatedDate": INSTANT, "StageName": "Open", "Amount": 1.1,
                "CloseDate": "2026-02-28", "Probability": 10, "ForecastCategory": "BestCase"}]  # fmt: skip
    org.add("OpportunityHistory", list(history[0]), history)
    return org


@contextmanager
def client_of(org: Org, server: OrgServer | None = None, secret: str = "onpace-local") -> Iterator[SalesforceClient]:  # noqa: S107
    with serving(server or OrgServer(org)) as address:
        yield SalesforceClient(Login("", "onpace-local", secret, address))


@pytest.mark.parametrize("rows", [20, BULK_FROM_ROWS + 5])
def test_text_survives_by_rest_and_by_bulk_and_deleted_records_come_too(rows: int) -> None:
    names: list[str | None] = [HOSTILE[n % len(HOSTILE)] for n in range(rows - 1)] + [None]
    server = OrgServer(org := small_org(names), page_size=200, bulk_page=900)
    with client_of(org, server) as client:
        pull = client.pull()
    table = pull.tables["raw_opportunities"].sort_values("opportunity_id")
    # NUL is the one character that cannot be kept: Bulk answers may hold it, CSV readers stop at it.
    expected = [name.replace("\x00", "") if name and rows > BULK_FROM_ROWS else name for name in names]
    assert [None if value is pd.NA else value for value in table["name"]] == expected
    assert table["is_deleted"].sum() == rows // 7
    assert table["amount"].iloc[3] == Decimal("1234570.89")
    assert table["close_date"].iloc[0] == date(2026, 2, 28)
    assert table["created_at"].iloc[0] == at("2026-01-05 10:00")
    assert set(table["owner_id"]) == {"005000000000001AAA"}  # 15 characters became 18
    assert not server.jobs  # none is left behind


def test_one_vocabulary_of_categories_and_both_names_of_a_stage() -> None:
    with client_of(small_org(["a"])) as client:
        tables = client.pull().tables
    assert tables["raw_opportunity_history"]["forecast_category"].tolist() == ["Best Case"]
    assert tables["raw_opportunities"]["forecast_category"].tolist() == ["Commit"]
    assert tables["raw_stages"]["stage_name"].tolist() == ["Open", "open_api"]


def test_the_currency_comes_from_the_locale_and_absent_objects_are_findings() -> None:
    with client_of(small_org(["a"])) as client:
        pull = client.pull()
        defaults = client.organization()
    assert pull.tables["raw_organization"]["currency_code"].tolist() == ["EUR"]
    assert (defaults.start_month, defaults.named_by_end, defaults.time_zone) == (4, True, "Europe/Berlin")
    assert {finding.place for finding in pull.findings} >= {"OpportunityFieldHistory", "UserRole", "Account", "Opportunity.LeadSource"}
    assert "today's owner is assumed" in next(f.meaning for f in pull.findings if f.place == "OpportunityFieldHistory")
    assert pull.tables["raw_opportunity_field_history"].empty


def test_corporate_currency_and_rates_are_read_where_there_are_several() -> None:
    org = small_org(["a"])
    org.add("CurrencyType", ["Id", "IsoCode", "ConversionRate", "IsCorporate"],
            [{"Id": "1", "IsoCode": "CHF", "ConversionRate": 1, "IsCorporate": True}, {"Id": "2", "IsoCode": "USD", "ConversionRate": 1.123456, "IsCorporate": False}])  # fmt: skip
    org.add("DatedConversionRate", ["Id", "IsoCode", "StartDate", "NextStartDate", "ConversionRate"],
            [{"Id": "1", "IsoCode": "USD", "StartDate": "2026-01-01", "NextStartDate": "2026-02-01", "ConversionRate": 1.1}])  # fmt: skip
    with client_of(org) as client:
        tables = client.pull().tables
    assert tables["raw_organization"]["currency_code"].tolist() == ["CHF"]
    assert sorted(tables["raw_currency_rates"]["rate"].tolist()) == [Decimal(1), Decimal("1.1"), Decimal("1.123456")]


def test_a_hidden_field_stops_only_a_table_that_needs_it() -> None:
    org = small_org(["a"])
    org.hide("Opportunity", "ForecastCategoryName")
    with client_of(org) as client:
        assert "Opportunity.ForecastCategoryName" in {finding.place for finding in client.pull().findings}
        org.hide("Opportunity", "Amount")
        with pytest.raises(MissingField, match=r"field Opportunity.Amount is not visible.*grant read access"):
            client.pull()
        with pytest.raises(MissingField):
            client.examine()


def test_tracked_ids_of_15_characters_become_18_and_splits_are_said() -> None:
    org = small_org(["a"])
    change = {"Id": "017000000000001AAA", "OpportunityId": "006000000000000AAA", "CreatedDate": INSTANT, "Field": "Owner", "DataType": "EntityId",
              "OldValue": "005000000000001", "NewValue": "Ann"}  # fmt: skip
    org.add("OpportunityFieldHistory", list(change), [change])
    org.add("OpportunitySplit", ["Id"], [])
    with client_of(org) as client:
        pull = client.pull()
    assert pull.tables["raw_opportunity_field_history"][["old_value", "new_value"]].to_numpy().tolist() == [["005000000000001AAA", "Ann"]]
    assert "OpportunitySplit" in {finding.place for finding in pull.findings}


def test_a_hidden_object_that_is_needed_stops() -> None:
    org = small_org(["a"])
    del org.objects["OpportunityHistory"]
    with client_of(org) as client, pytest.raises(MissingObject, match="OpportunityHistory"):
        client.pull()


def test_a_wrong_secret_is_one_sentence_without_the_secret() -> None:
    with client_of(small_org(["a"]), secret="hunter2") as client, pytest.raises(LoginRefused) as refused:
        client.pull()
    assert "invalid_client" in str(refused.value)
    assert "check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET" in str(refused.value)
    assert "hunter2" not in str(refused.value) + repr(client.login)


def test_an_org_that_is_down_is_one_sentence() -> None:
    with client_of(small_org(["a"])) as client:
        pass
    with pytest.raises(SalesforceUnavailable, match="did not answer when asked to log in"):
        client.pull()


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:1", "http://example.com", "http://10.0.0.1", "http://127.0.0.1.example.com", "file:///etc", "http://[::2]:80", "http://[::1"],
)
def test_only_loopback_is_local(url: str) -> None:
    with pytest.raises(NotLocal):
        Login("", "a", "b", url)


@pytest.mark.parametrize(("values", "named"), [(("", "", ""), "CLIENT_ID"), (("", "a", ""), "CLIENT_SECRET"), (("", "a", "b"), "DOMAIN")])
def test_a_missing_setting_is_named(values: tuple[str, str, str], named: str) -> None:
    with pytest.raises(MissingSetting, match=named):
        Login(*values)


def test_an_amount_that_is_no_number_names_the_field() -> None:
    org = small_org(["a"])
    org.run('UPDATE "Opportunity" SET "CloseDate" = \'soon\'')
    with client_of(org) as client, pytest.raises(UnreadableValue, match="Opportunity.CloseDate holds a value that is no day"):
        client.pull()


@dataclass
class LyingServer(OrgServer):
    """Announces more, or processes more, than it sends."""

    lie: str = ""

    def _page(self, *args: object) -> Response:
        answer = super()._page(*args)  # type: ignore[arg-type]
        if self.lie == "total":
            answer = Response(answer.body.replace(b'"totalSize":20', b'"totalSize":21'), media_type="application/json")
        return answer

    async def job(self, request: Request) -> Response:
        answer = await super().job(request)
        if self.lie == "processed" and request.method == "GET":
            return Response(
                bytes(answer.body).replace(b'"numberRecordsProcessed":2005', b'"numberRecordsProcessed":2006'), media_type="application/json"
            )
        if self.lie == "failed" and request.method == "GET":
            return Response(bytes(answer.body).replace(b"InProgress", b"Failed"), media_type="application/json")
        return answer

    async def query(self, request: Request) -> Response:
        answer = await super().query(request)
        if self.lie == "count" and "COUNT()" in request.query_params["q"]:
            return Response(bytes(answer.body).replace(b'"totalSize":20', b'"totalSize":25'), media_type="application/json")
        return answer

    async def job_results(self, request: Request) -> Response:
        answer = await super().job_results(request)
        if self.lie == "page":
            answer.headers["Sforce-NumberOfRecords"] = "1"
        return answer


@pytest.mark.parametrize(
    ("lie", "rows", "fault"),
    [
        ("total", 20, IncompleteAnswer),
        ("count", 20, IncompleteAnswer),
        ("page", 2005, IncompleteAnswer),
        ("processed", 2005, IncompleteAnswer),
        ("failed", 2005, RequestRefused),
    ],
)
def test_a_count_that_does_not_fit_is_never_taken_for_the_whole(lie: str, rows: int, fault: type[Exception]) -> None:
    org = small_org(["a"] * rows)
    server = LyingServer(org, lie=lie)
    with serving(server) as address:
        wire = Wire(Login("", "onpace-local", "onpace-local", address))
        with pytest.raises(fault):
            wire.rows("Opportunity", ["Id", "Name"])
    assert not server.jobs
