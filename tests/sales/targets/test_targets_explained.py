"""The numbers of docs/targets-explained.md, computed."""

from datetime import date
from pathlib import Path

import pytest

from sales import money
from sales.policy.reading import parse_policy
from sales.targets.annual_targets import AnnualTarget
from sales.targets.phased_targets import plan
from sales.targets.rephasing import rephase
from tests.fakes import ORGANIZATION, book

PAGE = (Path(__file__).parents[3] / "docs" / "targets-explained.md").read_text(encoding="utf-8")
ANN = AnnualTarget(2026, "005A", 1, 120_000_00, None, None, "")
LATER = AnnualTarget(2026, "005A", 1, 120_000_00, date(2026, 3, 1), None, "")
RAMP = "[phasing]\nramp = [0.25, 0.5, 0.75]\n"


def written(minor: int) -> str:
    return f"{money.decimal_of(minor, 2):,.2f}".removesuffix(".00")


def planned(target: AnnualTarget, policy: str) -> list[int]:
    rules = book("[fiscal]\nstart_month = 1\n" + policy).for_fiscal_year(2026, ORGANIZATION)
    return plan(target, rules).baseline


def test_a_start_and_a_ramp() -> None:
    months = planned(LATER, RAMP)
    assert [written(each) for each in months[:5]] == ["0", "0", "3,529.41", "7,058.82", "10,588.23"]
    assert set(months[5:]) <= {14_117_64, 14_117_65}
    assert sum(months) == 120_000_00
    for each in ("3,529.41", "7,058.82", "10,588.23", "14,117.65", "8.5"):
        assert each in PAGE
    whole = planned(LATER, RAMP + '[targets]\nbasis = "full_year"\n')
    assert sum(whole) == 100_000_00


@pytest.mark.parametrize(
    ("policy", "asked", "at_risk"),
    [
        ("none", "10,000", "12,000"),
        ("next_month", "22,000", "0"),
        ("rest_of_quarter", "22,000", "0"),
        ("rest_of_year", "11,200", "0"),
        ("bounded", "11,200", "0"),
    ],
)
def test_two_bad_months(policy: str, asked: str, at_risk: str) -> None:
    phasing = parse_policy(f'[phasing]\nrephase = "{policy}"\n', "fy2026.toml").phasing
    rules = book("[fiscal]\nstart_month = 1\n").for_fiscal_year(2026, ORGANIZATION)
    found = rephase(plan(ANN, rules), 8_000_00, 2, phasing)
    assert (written(found.months[0]), written(found.at_risk)) == (asked, at_risk)
    assert f"| `{policy}` | {asked}" in PAGE


def test_what_cannot_be_recovered_is_at_risk() -> None:
    phasing = parse_policy("", "fy2026.toml").phasing
    rules = book("[fiscal]\nstart_month = 1\n").for_fiscal_year(2026, ORGANIZATION)
    found = rephase(plan(ANN, rules), 0, 7, phasing)
    assert {written(each) for each in found.months} == {"12,500"}
    assert f"**{written(found.at_risk)} are at risk**" in PAGE
