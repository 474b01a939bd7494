import pytest

from sales.calendar import Month
from sales.policy.rules import PolicyBook
from sales.policy.sections import InvalidPolicy, SalesPolicy, parse_policy
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
