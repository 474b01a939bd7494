from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from embedded_org.csv_org import csv_org
from embedded_org.objects import Org
from embedded_org.server import OrgServer, PortTaken, serving
from embedded_org.sessions import Credentials

FIELDS = ["Id", "Name", "IsDeleted", "SystemModstamp", "Amount"]


@pytest.fixture
def org() -> Org:
    made = Org()
    rows = [
        {
            "Id": f"006{n:012d}AAA",
            "Name": f'Line\n{n}, "q"',
            "IsDeleted": n % 10 == 0,
            "Amount": n,
            "SystemModstamp": f"2026-03-{n % 27 + 1:02d}T10:00:00.000+0000",
        }
        for n in range(450)
    ]
    made.add("Opportunity", FIELDS, rows)
    return made


@pytest.fixture
def server(org: Org) -> OrgServer:
    return OrgServer(org, Credentials("me", "secret"), page_size=200, bulk_page=200)


@pytest.fixture
def address(server: OrgServer) -> Iterator[str]:
    with serving(server) as url:
        yield url


@pytest.fixture
def session(address: str) -> requests.Session:
    answer = requests.post(
        f"{address}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("me", "secret"),
        timeout=10,
    )
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return made


@pytest.mark.parametrize(
    ("form", "auth", "error"),
    [
        ({"grant_type": "client_credentials"}, ("me", "wrong"), "invalid_client"),
        ({"grant_type": "client_credentials"}, ("you", "secret"), "invalid_client_id"),
        ({"grant_type": "magic"}, ("me", "secret"), "unsupported_grant_type"),
    ],
)
def test_a_refused_login_is_an_object_not_an_array(
    address: str, form: dict[str, str], auth: tuple[str, str], error: str
) -> None:
    answer = requests.post(f"{address}/services/oauth2/token", data=form, auth=auth, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_credentials_may_come_in_the_form(address: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "secret"}
    answer = requests.post(f"{address}/services/oauth2/token", data=form, timeout=10)
    assert answer.json()["token_type"] == "Bearer"


def test_without_a_token_there_is_nothing_but_the_versions(address: str) -> None:
    assert requests.get(f"{address}/services/data", timeout=10).json()[0]["version"] == "58.0"
    refused = requests.get(f"{address}/services/data/v62.0/limits", timeout=10)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_a_locator_remembers_its_query_whatever_path_asks(
    address: str, session: requests.Session
) -> None:
    """One known client asks for page two of queryAll under query."""
    first = session.get(
        f"{address}/services/data/v62.0/queryAll/",
        params={"q": "SELECT Id FROM Opportunity"},
        timeout=10,
    ).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    second = session.get(
        f"{address}/services/data/v62.0/query/{locator}", params={"q": "ignored"}, timeout=10
    ).json()
    third = session.get(address + second["nextRecordsUrl"], timeout=10).json()
    assert (len(second["records"]), len(third["records"]), third["done"]) == (200, 50, True)
    assert "nextRecordsUrl" not in third
    lost = session.get(f"{address}/services/data/v62.0/query/01gnone-200", timeout=10)
    assert (lost.status_code, lost.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_every_answer_says_how_many_requests_are_left(
    address: str, session: requests.Session
) -> None:
    answer = session.get(f"{address}/services/data/v62.0/limits/", timeout=10)
    assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=")
    assert answer.json()["DailyApiRequests"]["Max"] == 15_000


def test_bulk_pages_carry_counts_and_text_survives(address: str, session: requests.Session) -> None:
    base = f"{address}/services/data/v62.0/jobs/query"
    job = session.post(
        base,
        json={
            "operation": "queryAll",
            "query": "SELECT Id, Name, Amount, IsDeleted FROM Opportunity",
        },
        timeout=10,
    ).json()
    early = session.get(f"{base}/{job['id']}/results", timeout=10)
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    states = [session.get(f"{base}/{job['id']}", timeout=10).json()["state"] for _ in range(3)]
    assert states == ["InProgress", "JobComplete", "JobComplete"]
    locator, sizes, texts = "", [], []
    while locator != "null":
        page = session.get(
            f"{base}/{job['id']}/results",
            params={"locator": locator} if locator else {},
            timeout=10,
        )
        locator = page.headers["Sforce-Locator"]
        sizes.append(int(page.headers["Sforce-NumberOfRecords"]))
        texts.append(page.text)
    assert sizes == [200, 200, 50]
    assert all(text.startswith('"Id","Name","Amount","IsDeleted"\n') for text in texts)
    assert '"Line\n0, ""q""","0.0","true"' in texts[0]
    other = session.get(f"{address}/services/data/v61.0/jobs/query/{job['id']}/results", timeout=10)
    assert other.status_code == 409
    assert session.delete(f"{base}/{job['id']}", timeout=10).status_code == 204
    assert session.get(f"{base}/{job['id']}", timeout=10).status_code == 404


def test_bulk_refuses_counts(address: str, session: requests.Session) -> None:
    refused = session.post(
        f"{address}/services/data/v62.0/jobs/query",
        json={"operation": "query", "query": "SELECT COUNT() FROM Opportunity"},
        timeout=10,
    )
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "API_ERROR")


def test_deleted_and_updated_windows_are_half_open(
    address: str, session: requests.Session, org: Org
) -> None:
    base = f"{address}/services/data/v62.0/sobjects/Opportunity"
    org.now = lambda: datetime(2026, 3, 12, tzinfo=UTC)
    window = {"start": "2026-03-01T00:00:00+00:00", "end": "2026-03-11T10:00:00Z"}
    deleted = session.get(f"{base}/deleted/", params=window, timeout=10).json()
    assert len(deleted["deletedRecords"]) == 17
    assert deleted["latestDateCovered"] == "2026-03-11T10:00:00.000+0000"
    assert len(session.get(f"{base}/updated/", params=window, timeout=10).json()["ids"]) == 153
    org.purge("Opportunity", "006000000000001AAA")
    gone = session.get(
        f"{base}/deleted/", params=window | {"end": "2026-03-12T00:01:00Z"}, timeout=10
    ).json()["deletedRecords"]
    assert {"id": "006000000000001AAA", "deletedDate": "2026-03-12T00:00:00.000+0000"} in gone
    early = session.get(
        f"{base}/deleted/", params=window | {"start": "2026-02-01T00:00:00Z"}, timeout=10
    )
    assert early.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    wrong = session.get(
        f"{base}/deleted/", params={"start": "2026-03-01T00:00:00", "end": "x"}, timeout=10
    )
    assert wrong.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_describe_and_records_show_what_the_user_may_see(
    address: str, session: requests.Session, org: Org
) -> None:
    org.hide("Opportunity", "Amount")
    base = f"{address}/services/data/v62.0/sobjects"
    fields = {
        each["name"]: each["type"]
        for each in session.get(f"{base}/Opportunity/describe", timeout=10).json()["fields"]
    }
    assert fields == {
        "Id": "id",
        "Name": "string",
        "IsDeleted": "boolean",
        "SystemModstamp": "datetime",
    }
    record = session.get(f"{base}/Opportunity/006000000000001AAA", timeout=10).json()
    assert record["attributes"]["url"].endswith("/sobjects/Opportunity/006000000000001AAA")
    assert "Amount" not in record
    assert session.get(f"{base}/Nothing/describe", timeout=10).status_code == 404


def test_a_port_in_use_is_said_in_a_sentence(address: str, server: OrgServer) -> None:
    port = int(address.rsplit(":", 1)[1])
    with (
        pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is not free"),
        serving(server, port),
    ):
        pass


def test_custom_fields_of_a_folder_are_amounts_where_all_values_are(tmp_path: Path) -> None:
    (tmp_path / "Opportunity.csv").write_text(
        "Id,ACV__c,Note__c,Empty__c\n006A,12.50,1e3,\n006B,,about 3,\n"
    )
    entity = csv_org(tmp_path).objects["Opportunity"]
    assert {each.name: each.kind for each in entity.fields} == {
        "Id": "id",
        "ACV__c": "currency",
        "Note__c": "string",
        "Empty__c": "string",
    }


def test_several_requests_in_one_count_once_and_fail_alone(
    address: str, session: requests.Session, server: OrgServer
) -> None:
    root = "/services/data/v62.0"
    wanted = [
        {"method": "GET", "url": f"{root}/sobjects/Opportunity/describe", "referenceId": "a"},
        {
            "method": "GET",
            "url": f"{root}/queryAll?q=SELECT+Id+FROM+Opportunity",
            "referenceId": "b",
        },
        {
            "method": "GET",
            "url": f"{root}/query?q=SELECT+Bogus+FROM+Opportunity",
            "referenceId": "c",
        },
        {"method": "GET", "url": f"{root}/sobjects/Nothing/describe", "referenceId": "d"},
    ]
    before = server.requests
    parts = session.post(
        f"{address}{root}/composite", json={"compositeRequest": wanted}, timeout=10
    ).json()["compositeResponse"]
    assert server.requests - before == 1
    assert [(part["referenceId"], part["httpStatusCode"]) for part in parts] == [
        ("a", 200),
        ("b", 200),
        ("c", 400),
        ("d", 404),
    ]
    assert parts[1]["body"]["totalSize"] == 450
    assert parts[2]["body"][0]["errorCode"] == "INVALID_FIELD"
    many = [wanted[1] | {"referenceId": f"r{n}"} for n in range(6)]
    refused = session.post(
        f"{address}{root}/composite", json={"compositeRequest": many}, timeout=10
    )
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
