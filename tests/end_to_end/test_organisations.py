"""An organisation with everything that small ones lack: currencies, splits, quotas, a custom amount, record types."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from orchestration import settings
from tests.end_to_end.test_cli import ROOT, onpace

ANN, BOB, MAE = (f"00500000000000{n}AAA" for n in (1, 2, 3))
WHEN = "2026-01-10T09:00:00.000Z"
POLICY = """
[targets]
source = "salesforce"
forecasting_type = "OpportunityRevenue"
[pipeline]
amount_field = "ACV__c"
record_types = ["New_Business"]
"""


def deal(
    number: int,
    stage: str,
    acv: float,
    close: str,
    record_type: str = "012000000000001AAA",
    currency: str = "EUR",
) -> dict[str, object]:
    return {
        "Id": f"006{number:012d}AAA",
        "IsDeleted": False,
        "Name": f"Deal {number}",
        "StageName": stage,
        "Amount": 9_999_999,
        "ACV__c": acv,
        "CurrencyIsoCode": currency,
        "CloseDate": close,
        "OwnerId": ANN[:15],
        "RecordTypeId": record_type,
        "IsPrivate": False,
        "Probability": 50,
        "ForecastCategoryName": "Pipeline",
        "CreatedDate": WHEN,
        "SystemModstamp": WHEN,
    }


@pytest.fixture
def org() -> Org:
    org = Org()
    add = org.add
    add(
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
                "FiscalYearStartMonth": 1,
                "UsesStartDateAsFiscalYearName": True,
                "DefaultLocaleSidKey": "de_DE",
            }
        ],
    )
    add(
        "UserRole",
        ["Id", "Name", "ParentRoleId"],
        [{"Id": "00EM", "Name": "Head"}, {"Id": "00EN", "Name": "North", "ParentRoleId": "00EM"}],
    )
    add(
        "User",
        ["Id", "Name", "Username", "IsActive", "UserRoleId", "ManagerId"],
        [
            {
                "Id": ANN,
                "Name": "Ann",
                "Username": "ann@acme.example",
                "IsActive": True,
                "UserRoleId": "00EN",
            },
            {
                "Id": BOB,
                "Name": "Bob",
                "Username": "bob@acme.example",
                "IsActive": False,
                "UserRoleId": None,
            },
            {
                "Id": MAE,
                "Name": "Mae",
                "Username": "mae@acme.example",
                "IsActive": True,
                "UserRoleId": "00EM",
            },
        ],
    )
    add(
        "OpportunityStage",
        ["Id", "MasterLabel", "ApiName", "IsClosed", "IsWon"],
        [
            {
                "Id": "01J1",
                "MasterLabel": "Open",
                "ApiName": "Open",
                "IsClosed": False,
                "IsWon": False,
            },
            {"Id": "01J2", "MasterLabel": "Won", "ApiName": "Won", "IsClosed": True, "IsWon": True},
        ],
    )
    add(
        "RecordType",
        ["Id", "SobjectType", "DeveloperName", "Name"],
        [
            {
                "Id": "012000000000001AAA",
                "SobjectType": "Opportunity",
                "DeveloperName": "New_Business",
                "Name": "New business",
            },
            {
                "Id": "012000000000002AAA",
                "SobjectType": "Opportunity",
                "DeveloperName": "Renewal",
                "Name": "Renewal",
            },
        ],
    )
    add(
        "CurrencyType",
        ["Id", "IsoCode", "ConversionRate", "IsCorporate"],
        [
            {"Id": "01L1", "IsoCode": "EUR", "ConversionRate": 1, "IsCorporate": True},
            {"Id": "01L2", "IsoCode": "USD", "ConversionRate": 2, "IsCorporate": False},
        ],
    )
    add(
        "DatedConversionRate",
        ["Id", "IsoCode", "StartDate", "NextStartDate", "ConversionRate"],
        [
            {
                "Id": "04w1",
                "IsoCode": "USD",
                "StartDate": "2026-02-01",
                "NextStartDate": "2026-03-01",
                "ConversionRate": 1.25,
            }
        ],
    )
    deals = [
        deal(1, "Won", 100, "2026-02-10"),
        deal(2, "Won", 100.01, "2026-02-11", currency="USD"),
        deal(3, "Open", 70, "2026-04-11"),
        deal(4, "Won", 5000, "2026-02-12", record_type="012000000000002AAA"),
    ]
    add("Opportunity", list(deals[0]), deals, numeric={"ACV__c"})
    history = [
        {
            "Id": f"008{n:012d}AAA",
            "OpportunityId": each["Id"],
            "CreatedDate": WHEN,
            "StageName": each["StageName"],
            "Amount": 1,
            "CloseDate": each["CloseDate"],
            "CurrencyIsoCode": each["CurrencyIsoCode"],
            "Probability": 50,
            "ForecastCategory": "Pipeline",
            "SystemModstamp": WHEN,
        }
        for n, each in enumerate(deals)
    ]
    add("OpportunityHistory", list(history[0]), history)
    # The contract value of deal 1 was 80 until March.
    add(
        "OpportunityFieldHistory",
        ["Id", "OpportunityId", "CreatedDate", "Field", "DataType", "OldValue", "NewValue"],
        [
            {
                "Id": "017000000000001AAA",
                "OpportunityId": deals[0]["Id"],
                "CreatedDate": "2026-03-05T09:00:00.000Z",
                "Field": "ACV__c",
                "DataType": "Currency",
                "OldValue": "80",
                "NewValue": "100",
            }
        ],
    )
    add(
        "OpportunitySplitType",
        ["Id", "DeveloperName", "SplitField", "IsActive", "IsTotalValidated"],
        [
            {
                "Id": "149000000000001AAA",
                "DeveloperName": "Revenue",
                "SplitField": "ACV__c",
                "IsActive": True,
                "IsTotalValidated": True,
            }
        ],
    )
    add(
        "OpportunitySplit",
        [
            "Id",
            "OpportunityId",
            "SplitOwnerId",
            "SplitTypeId",
            "SplitPercentage",
            "CreatedDate",
            "IsDeleted",
            "SystemModstamp",
        ],
        [
            {
                "Id": f"1JX{n:012d}AAA",
                "OpportunityId": deals[1]["Id"],
                "SplitOwnerId": owner,
                "SplitTypeId": "149000000000001AAA",
                "SplitPercentage": 50,
                "CreatedDate": WHEN,
                "SystemModstamp": WHEN,
                "IsDeleted": False,
            }
            for n, owner in enumerate((ANN, BOB))
        ],
    )
    add(
        "ForecastingType",
        ["Id", "DeveloperName"],
        [
            {"Id": "0Db1", "DeveloperName": "OpportunityRevenue"},
            {"Id": "0Db2", "DeveloperName": "OpportunityQuantity"},
        ],
    )
    add(
        "ForecastingQuota",
        ["Id", "QuotaOwnerId", "ForecastingTypeId", "StartDate", "QuotaAmount", "CurrencyIsoCode"],
        [
            {
                "Id": f"0J9{kind}{owner}{month}",
                "QuotaOwnerId": owner,
                "ForecastingTypeId": kind,
                "StartDate": f"2026-{month:02d}-01",
                "QuotaAmount": amount,
                "CurrencyIsoCode": "EUR",
            }
            for kind, owner, amount in (("0Db1", ANN, 100), ("0Db1", MAE, 500), ("0Db2", ANN, 7))
            for month in range(1, 13)
        ],
    )
    add(
        "ForecastingSubmission",
        [
            "Id",
            "ForecastOwnerId",
            "ForecastingTypeId",
            "PeriodId",
            "PeriodStartDate",
            "SubmissionDateTime",
        ],
        [
            {
                "Id": f"1tS{owner}{kind}{day}",
                "ForecastOwnerId": owner,
                "ForecastingTypeId": kind,
                "PeriodId": None,
                "PeriodStartDate": "2026-03-01",
                "SubmissionDateTime": f"2026-0{day}T09:00:00.000+0000",
            }
            for owner, kind, day in (
                (ANN, "0Db1", "2-20"),
                (ANN, "0Db1", "3-05"),
                (ANN, "0Db2", "2-21"),
                (MAE, "0Db1", "2-20"),
            )
        ],
    )
    add(
        "ForecastingSubmissionItem",
        ["Id", "ForecastingSubmissionId", "ForecastingItemCategory", "Amount"],
        [
            {
                "Id": f"1tI{of}{category}",
                "ForecastingSubmissionId": f"1tS{of}",
                "ForecastingItemCategory": category,
                "Amount": amount,
            }
            for of, amount in (
                (f"{ANN}0Db12-20", 90),
                (f"{ANN}0Db13-05", 60),
                (f"{ANN}0Db22-21", 3),
                (f"{MAE}0Db12-20", 900),
            )
            for category, amount in (("CommitForecast", amount), ("BestCaseForecast", 2 * amount))
        ],
    )
    return org


@pytest.fixture
def home(org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "fy2026.toml").write_text(POLICY)
    (tmp_path / "pyproject.toml").touch()  # as in a checkout
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    with serving(OrgServer(org)) as address:
        values = {
            "ONPACE_HOME": tmp_path / "home",
            "ONPACE_POLICY": tmp_path / "policy",
            "SALESFORCE_LOCAL_URL": address,
            "SALESFORCE_CLIENT_ID": "onpace-local",
            "SALESFORCE_CLIENT_SECRET": "onpace-local",
        }
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))
        yield tmp_path / "home"


def test_february_by_hand(home: Path) -> None:
    """Deal 1 was worth 80 then; deal 2 is 100.01 USD at 1.25, shared by halves; the renewal does not count; Mae's quota is not added."""
    code, said = onpace("report", "2026-02")
    assert code == 0, said
    assert onpace("export", "2026-02", "--to", str(home / "out"))[0] == 0

    def rows(name: str, **wanted: str) -> list[dict[str, str]]:
        with (home / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            return [
                row
                for row in csv.DictReader(lines)
                if all(row[key] == value for key, value in wanted.items())
            ]

    snapshot = {
        row["name"]: (row["amount"], row["amount_local"], row["amount_provenance"])
        for row in rows("opportunity_snapshot")
    }
    assert snapshot == {
        "Deal 1": ("80.00", "80.00", "assumed"),
        "Deal 2": ("80.01", "100.01", "assumed"),
        "Deal 3": ("70.00", "70.00", "assumed"),
    }
    month = {
        row["grain_id"]: (row["target"], row["bookings"])
        for row in rows("target_attainment", period="2026-02")
    }
    assert month[ANN] == ("100.00", "120.01")  # 80 and the larger half of 80.01
    assert month[BOB] == ("0.00", "40.00")
    assert month["Acme"] == ("100.00", "160.01")
    assert (month["North"], month["Unassigned"]) == (("100.00", "120.01"), ("0.00", "40.00"))
    assert (
        rows("pipeline_coverage", grain_id="Acme", period="FY2026-Q2")[0]["open_pipeline"]
        == "70.00"
    )
    called = [
        (row["owner_id"], row["period"], row["call"], row["called_on"])
        for row in rows("forecast_calls")
    ]
    # Of March, as submitted by the end of February; Mae's is her team's.
    assert called == [(ANN, "2026-03", "90.00", "2026-02-20")]
    found = {(row["finding"], row["record_id"]): row for row in rows("data_quality")}
    assert Decimal(found["manager_quota_differs", MAE]["amount"]) == Decimal("4800.00")
    assert (
        "Bob has no target in force"
        in found["booking_without_target", "006000000000002AAA"]["detail"]
    )


def test_a_check_finds_what_a_policy_names_and_the_organisation_does_not_have(
    home: Path, org: Org
) -> None:
    code, said = onpace("check", "--month", "2026-02")
    assert (code, "0 errors" in said) == (0, True), said
    org.run("UPDATE Opportunity SET CurrencyIsoCode = 'SEK' WHERE Name = 'Deal 3'")
    policy = home.parent / "policy" / "fy2026.toml"
    policy.write_text(
        POLICY.replace('["New_Business"]', '["New_Busines"]\nsplit_type = "Overlay"'),
        encoding="utf-8",
    )
    (home.parent / "policy" / "recipients.toml").write_text(
        'allowed_domains = ["acme.de"]\nown_page = true\n'
        '[[recipients]]\naddress = "board"\npacks = ["company"]\n',
        encoding="utf-8",
    )
    code, said = onpace("check", "--month", "2026-02")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 1
    for wrong in ("'New_Busines'", "'Overlay'", "in SEK", "own_page", "'board'"):
        assert sum(wrong in line for line in errors) == 1, (wrong, said)
    code, said = onpace("check", "--month", "2090-01")
    assert (code, "2090-01 is not closed" in said) == (1, True), said


def test_a_check_offline_looks_at_what_was_read_last(home: Path) -> None:
    code, said = onpace("report", "2026-02")
    assert code == 0, said
    assert onpace("check", "--offline", "--month", "2026-02")[0] == 0
    policy = home.parent / "policy" / "fy2026.toml"
    policy.write_text(POLICY.replace("New_Business", "New_Busines"), encoding="utf-8")
    code, said = onpace("check", "--offline", "--month", "2026-02")
    assert (code, "'New_Busines'" in said, "was read last" in said) == (1, True, True), said
