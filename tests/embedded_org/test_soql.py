import pytest

from embedded_org.objects import Org
from embedded_org.soql import SoqlError, parse, translate

ROWS = [
    {
        "Id": "006000000000001AAA",
        "Name": "O'Brien",
        "Amount": 10.5,
        "IsDeleted": False,
        "CloseDate": "2026-01-31",
        "OwnerId": "005000000000001AAA",
        "CreatedDate": "2026-01-01T10:00:00.000+0000",
        "StageName": "Open",
    },
    {
        "Id": "006000000000002AAA",
        "Name": None,
        "Amount": None,
        "IsDeleted": True,
        "CloseDate": "2026-02-28",
        "OwnerId": None,
        "CreatedDate": "2026-02-01T10:00:00.000+0200",
        "StageName": "Won",
    },
    {
        "Id": "006000000000003AAA",
        "Name": "NA",
        "Amount": 1e7,
        "IsDeleted": False,
        "CloseDate": "2026-03-31",
        "OwnerId": "005000000000001AAA",
        "CreatedDate": "2026-02-01T10:00:00.000+0000",
        "StageName": "open",
    },
]


@pytest.fixture
def org() -> Org:
    made = Org()
    made.add("Opportunity", list(ROWS[0]), ROWS)
    made.add("User", ["Id", "Name"], [{"Id": "005000000000001AAA", "Name": "Ann"}])
    return made


def names(org: Org, soql: str, *, everything: bool = False) -> list[object]:
    select = translate(soql, org, include_deleted=everything)
    return [row[0] for row in org.run(select.sql, select.values)]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Amount > 5", ["1", "3"]),
        ("Amount = null", ["2"]),
        ("Amount != null AND IsDeleted = false", ["1", "3"]),
        ("NOT (Amount > 100)", ["1", "2"]),
        ("StageName = 'OPEN'", ["1", "3"]),
        (r"Name = 'O\'Brien'", ["1"]),
        ("Name LIKE 'o%'", ["1"]),
        ("Name = 'NA' OR IsDeleted = TRUE", ["2", "3"]),
        ("CreatedDate >= 2026-02-01T09:00:00Z", ["3"]),
        ("CreatedDate = 2026-02-01T08:00:00+00:00", ["2"]),
        ("CloseDate IN (2026-01-31, 2026-02-28)", ["1", "2"]),
        ("Id NOT IN ('006000000000001')", ["2", "3"]),
        ("Owner.Name = 'Ann'", ["1", "3"]),
        ("Name != 'NA'", ["1", "2"]),
    ],
)
def test_conditions_find_what_salesforce_would_find(org: Org, where: str, found: list[str]) -> None:
    ids = names(org, f"SELECT Id FROM Opportunity WHERE {where}", everything=True)
    assert [str(each)[14] for each in ids] == found


def test_query_leaves_deleted_records_out_and_query_all_does_not(org: Org) -> None:
    assert len(names(org, "SELECT Id FROM Opportunity")) == 2
    assert names(org, "SELECT COUNT() FROM Opportunity", everything=True) == [3]


def test_order_limit_offset_and_aggregates(org: Org) -> None:
    assert names(org, "SELECT Name FROM Opportunity ORDER BY Amount DESC NULLS LAST LIMIT 1") == [
        "NA"
    ]
    assert names(org, "select Id from opportunity order by Name limit 1 offset 1") == [
        "006000000000001AAA"
    ]
    select = translate(
        "SELECT StageName, COUNT(Id), MAX(Amount) top FROM Opportunity GROUP BY StageName",
        org,
        include_deleted=True,
    )
    assert [column.name for column in select.columns] == ["StageName", "expr0", "top"]


@pytest.mark.parametrize(
    ("soql", "code", "says"),
    [
        ("SELECT Id FORM Opportunity", "MALFORMED_QUERY", "unexpected token: 'FORM'"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY", "unexpected token"),
        (
            "SELECT Bogus FROM Opportunity",
            "INVALID_FIELD",
            "ERROR at Row:1:Column:8\nNo such column 'Bogus' on entity 'Opportunity'",
        ),
        (
            "SELECT Boss.Name FROM Opportunity",
            "INVALID_FIELD",
            "Didn't understand relationship 'Boss'",
        ),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", "sObject type 'Nothing' is not supported."),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            "must be of type date",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type datetime",
        ),
        (
            "SELECT Id FROM Opportunity WHERE Amount = '5'",
            "INVALID_FIELD",
            "must be of type currency",
        ),
        ("SELECT Id FROM Opportunity WHERE Amount > null", "INVALID_OPERATOR", "null"),
        ("SELECT FIELDS(ALL) FROM Opportunity", "MALFORMED_QUERY", "200"),
        ("SELECT Id FROM Opportunity LIMIT 5 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
    ],
)
def test_errors_are_worded_as_salesforce_words_them(
    org: Org, soql: str, code: str, says: str
) -> None:
    with pytest.raises(SoqlError) as refused:
        translate(soql, org, include_deleted=False)
    assert refused.value.code == code
    assert says in str(refused.value)


def test_values_never_reach_the_database_as_text(org: Org) -> None:
    assert names(org, r"SELECT Id FROM Opportunity WHERE Name = 'x\' OR 1=1 --'") == []


def test_old_values_cannot_be_filtered() -> None:
    org = Org()
    org.add("OpportunityFieldHistory", ["Id", "OldValue"], [])
    with pytest.raises(SoqlError, match="can not be filtered"):
        translate(
            "SELECT Id FROM OpportunityFieldHistory WHERE OldValue = 'x'", org, include_deleted=True
        )


def test_a_hidden_field_does_not_exist_for_the_user(org: Org) -> None:
    org.hide("Opportunity", "Amount")
    with pytest.raises(SoqlError, match="No such column 'Amount'"):
        translate("SELECT Amount FROM Opportunity", org, include_deleted=False)
    assert parse("SELECT Amount FROM Opportunity")
