from dataclasses import replace

import pytest

from sales.calendar import Month, MonthWithoutYear
from sales.policy.reading import parse_policy
from sales.policy.rules import PolicyBook
from sales.policy.sections import InvalidPolicy, SalesPolicy
from tests.fakes import ORGANIZATION


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[phasing]\nmethd = "even"',
            r"fy2027.toml: unknown key 'methd' in \[phasing\]; did you mean 'method'\?",
        ),
        ("[phasng]", r"unknown key 'phasng' in the file; did you mean 'phasing'\?"),
        (
            '[phasing]\nmethod = "custom"\nweights = [1,1,1,1,1,1,1,1,1,1,1]',
            "weights has 11 numbers.*needs 12",
        ),
        (
            '[phasing]\nmethod = "custom"\nweights = [0,0,0,0,0,0,0,0,0,0,0,0]',
            "weights are all zero",
        ),
        ("[phasing]\nweights = [1, -2]", "greater than or equal to 0"),
        ("[phasing]\ncap = 0.5", "greater than or equal to 1"),
        ("[phasing]\ncap = nan", "finite"),
        ("[phasing]\ncap = true", "number"),
        ('[phasing]\nholidays = "ZZ"', "no holiday calendar for 'ZZ'"),
        ("[fiscal]\nstart_month = 13", "less than or equal to 12"),
        ('[fiscal]\ntime_zone = "Mars/Crater"', "is no time zone"),
        ('[pipeline]\ndimension = "StageName"', "says how far a deal is, which other tables show"),
        ('[pipeline]\ndimension = "Service Line"', "dimension"),
        ('[fiscal]\ntime_zone = "../../etc/passwd"', "is no time zone"),
        ('[fiscal]\ncurrency = "euro"', "currency"),
        ('[brand]\ncolour = "red"', "colour"),
        ("x = [", "not valid TOML"),
        ("fiscal = 3", "fiscal"),
    ],
)
def test_a_bad_policy_is_one_sentence_that_names_the_key(text: str, says: str) -> None:
    with pytest.raises(InvalidPolicy, match=says) as refused:
        parse_policy(text, "fy2027.toml")
    assert "\n" not in str(refused.value)


def test_every_key_may_be_left_out() -> None:
    policy = parse_policy("", "fy2027.toml")
    assert policy == SalesPolicy()
    assert (policy.phasing.method, policy.phasing.rephase, str(policy.phasing.cap)) == (
        "even",
        "bounded",
        "1.25",
    )
    assert (policy.targets.basis, policy.targets.source) == ("as_stated", "targets.csv")


def test_a_month_uses_the_file_whose_span_holds_it_else_the_nearest_earlier_else_the_nearest_later() -> (
    None
):
    book = PolicyBook(
        {
            2025: parse_policy("[fiscal]\nstart_month = 1", "a"),
            2027: parse_policy("[fiscal]\nstart_month = 4", "b"),
        }
    )
    used = {
        month: book.for_month(Month.parse(month), ORGANIZATION)
        for month in ("2025-06", "2026-06", "2027-06", "2020-01", "2030-01")
    }
    assert {month: rules.source for month, rules in used.items()} == {
        "2025-06": "fy2025.toml",
        "2026-06": "fy2025.toml",
        "2027-06": "fy2027.toml",
        "2020-01": "fy2025.toml",
        "2030-01": "fy2027.toml",
    }
    assert [rules.is_fallback for rules in used.values()] == [False, True, False, True, True]


def test_the_organisation_speaks_where_the_policy_is_silent() -> None:
    rules = PolicyBook({}).for_month(Month(2026, 5), ORGANIZATION)
    assert (rules.company, rules.currency, rules.digits, rules.calendar.time_zone) == (
        "Acme",
        "EUR",
        2,
        "UTC",
    )
    yen = PolicyBook({2026: parse_policy('[fiscal]\ncurrency = "JPY"', "a")}).for_month(
        Month(2026, 5), ORGANIZATION
    )
    assert (yen.currency, yen.digits) == ("JPY", 0)


def books(**texts: str) -> PolicyBook:
    return PolicyBook(
        {int(name[2:]): parse_policy(text, f"{name}.toml") for name, text in texts.items()}
    )


def test_files_whose_years_share_a_month_are_refused_by_their_names() -> None:
    """A company moved its year: FY2026 by the old calendar, FY2027 from April 2026 on."""
    both = books(
        fy2026='[fiscal]\nstart_month = 1\nyear_name = "start"',
        fy2027='[fiscal]\nstart_month = 4\nyear_name = "end"',
    )
    with pytest.raises(InvalidPolicy, match=r"fy2026.toml and fy2027.toml both hold 2026-04"):
        both.for_month(Month(2026, 1), ORGANIZATION)


def test_a_short_year_stands_between_two_calendars() -> None:
    moved = books(
        fy2025='[fiscal]\nstart_month = 1\nyear_name = "start"',
        fy2026='[fiscal]\nstart_month = 1\nyear_name = "start"\nmonths = 3',
        fy2027='[fiscal]\nstart_month = 4\nyear_name = "end"',
    )
    for month, year, size in (
        (Month(2025, 12), "FY2025", 12),
        (Month(2026, 3), "FY2026", 3),
        (Month(2026, 4), "FY2027", 12),
        (Month(2027, 4), "FY2028", 12),
        (Month(2024, 2), "FY2024", 12),
    ):
        calendar = moved.for_month(month, ORGANIZATION).calendar
        period = calendar.year_of(month)
        assert (period.name, len(period.months)) == (year, size)
        assert calendar.year(calendar.fiscal_year(month)) == period
    short = moved.for_month(Month(2026, 2), ORGANIZATION).calendar
    assert short.quarter_of(Month(2026, 2)).name == "FY2026-Q1"
    assert short.quarter_of(Month(2026, 4)).name == "FY2027-Q1"


def test_months_between_two_years_make_a_short_one_or_are_refused() -> None:
    apart = books(
        fy2025='[fiscal]\nstart_month = 1\nyear_name = "start"',
        fy2027='[fiscal]\nstart_month = 4\nyear_name = "end"',
    )
    calendar = apart.for_month(Month(2026, 2), ORGANIZATION).calendar
    assert [str(each) for each in calendar.year_of(Month(2026, 2)).months] == [
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    nameless = books(
        fy2025='[fiscal]\nstart_month = 1\nyear_name = "start"',
        fy2026='[fiscal]\nstart_month = 4\nyear_name = "start"',
    )
    with pytest.raises(MonthWithoutYear, match="2026-02 lies between FY2025 and FY2026"):
        nameless.for_month(Month(2026, 2), ORGANIZATION).calendar.year_of(Month(2026, 2))


def test_a_currency_that_nobody_tells_is_asked_for() -> None:
    silent = replace(ORGANIZATION, currency="")
    with pytest.raises(InvalidPolicy, match=r"\[fiscal\] currency"):
        PolicyBook({}).for_month(Month(2026, 1), silent)
    told = books(fy2026='[fiscal]\ncurrency = "NOK"').for_month(Month(2026, 1), silent)
    assert told.currency == "NOK"
