import pytest

from sales.planning.scenario import PlanScenario, parse_scenario
from sales.policy.sections import InvalidPolicy


def test_a_scenario_may_say_nothing() -> None:
    assert parse_scenario("", "plan/steady.toml") == PlanScenario()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("numbre = 5", "plan/a.toml: unknown key 'numbre' in the file; did you mean 'number'?"),
        ("number = true", "plan/a.toml: number = 'True': must be a number"),
        (
            "number = 1\nchance = 0.5",
            "plan/a.toml: a scenario has a number or a chance; keep one of them",
        ),
        ("chance = 1.0", "plan/a.toml: chance = '1.0': must be between 0.05 and 0.95"),
        ("round_to = 0", "round_to = '0': input should be greater than 0"),
        ("[[seats]]\nteam = 'North'", "plan/a.toml: [seats.0] name is missing"),
        (
            "[[seats]]\nname = 'A'\nstart = 2027-01-01",
            "unknown key 'start' in [seats.0]; did you mean 'start_date'?",
        ),
        ("[[seats]]\nname = 'A'\n[[seats]]\nname = 'A'", "two seats are called 'A'"),
        (
            "[[people]]\nowner = 'a'\nstart_date = 2027-05-01\nend_date = 2027-04-01",
            "plan/a.toml: [people.0] ends before it starts",
        ),
        ("[[seats]]\nname = 'A'\nholidays = 'XX'", "is unknown"),
        ("number = ", "plan/a.toml is not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(InvalidPolicy) as fault:
        parse_scenario(text, "plan/a.toml")
    assert says in str(fault.value)
    assert "\n" not in str(fault.value)
