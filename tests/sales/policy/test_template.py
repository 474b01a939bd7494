"""A policy file that is written for a firm says every key, and means what it shows."""

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.policy.reading import parse_policy
from sales.policy.sections import SalesPolicy
from sales.policy.template import policy_text

KEY = re.compile(r"^# (?=(\w+|\"[^\"]*\") = |\[)", re.MULTILINE)


def test_a_file_with_nothing_stated_is_the_defaults() -> None:
    assert parse_policy(policy_text("FY2027", {}, {}), "fy2027.toml") == SalesPolicy()


def test_every_line_needs_only_its_sign_for_comments_taken_away() -> None:
    text = KEY.sub("", policy_text("FY2027", {}, {}))
    text = text.replace('method = "even"', 'method = "working_days"')
    policy = parse_policy(text, "fy2027.toml")
    assert policy.fiscal.time_zone == "Europe/London"
    assert policy.sources["Partner Referral"].owner == "Partners"


def test_every_key_of_every_section_stands_there_with_its_meaning() -> None:
    text = KEY.sub("", policy_text("FY2027", {}, {}))
    written = tomllib.loads(text)
    for name, field in SalesPolicy.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {})
        assert set(keys) <= set(written[name]), name
        assert all(each.description for each in keys.values()), name


@pytest.mark.parametrize("name", ["a\nb", 'x"y', "\u2028", "\x7f", "# [fiscal]"])
def test_what_is_stated_is_read_back_whatever_it_holds(name: str) -> None:
    text = policy_text("FY2027", {"fiscal": {"company": name}}, {"pipeline": [name]})
    assert parse_policy(text, "fy2027.toml").fiscal.company == name


@given(st.text(min_size=1, max_size=60, alphabet=st.characters(exclude_categories=("Cs",))))
def test_any_name_is_read_back(name: str) -> None:
    text = policy_text("FY2027", {"fiscal": {"company": name}}, {"fiscal": [name]})
    assert parse_policy(text, "fy2027.toml").fiscal.company == name
