from sales.history.teams import UNASSIGNED, team_names


def test_a_unit_whose_name_nobody_shares_is_called_by_it() -> None:
    assert team_names(["1", "2"], {"1": "North", "2": "South"}, {"1": "2"}) == {
        "1": "North",
        "2": "South",
    }


def test_units_of_one_name_are_told_apart_by_the_nearest_above_that_differs() -> None:
    names = {"1": "Inside", "2": "Inside", "7": "Sales", "8": "Sales", "us": "US", "uk": "UK"}
    above = {"1": "7", "2": "8", "7": "us", "8": "uk"}
    assert team_names(["1", "2"], names, above) == {"1": "Inside, US", "2": "Inside, UK"}
    assert team_names(["1", "2"], names, {"1": "us"}) == {"1": "Inside, US", "2": "Inside"}


def test_where_nothing_above_tells_them_apart_their_ids_do() -> None:
    names = {"1": "John", "2": "John"}
    assert team_names(["1", "2"], names, {}) == {"1": "John (1)", "2": "John (2)"}
    circle = {"1": "2", "2": "1"}
    assert team_names(["1", "2"], names, circle) == {"1": "John (1)", "2": "John (2)"}


def test_no_team_is_called_as_another_or_as_those_in_none() -> None:
    names = {"1": "A", "2": "A", "3": "A, US", "us": "US", "uk": "UK", "4": UNASSIGNED}
    found = team_names(["1", "2", "3", "4"], names, {"1": "us", "2": "uk"})
    assert len(set(found.values())) == 4
    assert UNASSIGNED not in found.values()
