"""The names of teams: a role or a manager is a team by its id, and two of one name are told apart.

Put here how teams are called; who is in which is `extract.people`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

UNASSIGNED = "Unassigned"


def team_names(
    units: Sequence[str], names: Mapping[str, str], above: Mapping[str, str]
) -> dict[str, str]:
    """Return a name for each unit that no other unit has.

    `units` are the ids of roles or managers that somebody is under, `names` what units are called,
    `above` the unit above each. Where units share a name, the nearest one above that tells all of
    them apart is named too ("Inside Sales, US"); where none does, their ids are.
    """
    by_name: dict[str, list[str]] = {}
    for unit in sorted(set(units)):
        by_name.setdefault(names.get(unit, unit), []).append(unit)
    found: dict[str, str] = {}
    for name, those in sorted(by_name.items()):
        if len(those) == 1 and name != UNASSIGNED:
            found[those[0]] = name
            continue
        taken = {*by_name, *found.values(), UNASSIGNED} - ({name} - {UNASSIGNED})
        lines = {unit: [names.get(each, each) for each in _chain(unit, above)] for unit in those}
        deepest = max(len(line) for line in lines.values())
        for level in range(deepest):
            told = {
                unit: f"{name}, {line[level]}" if level < len(line) else name
                for unit, line in lines.items()
            }
            if len(set(told.values())) == len(those) and not taken & set(told.values()):
                found |= told
                break
        else:
            found |= {unit: f"{name} ({unit})" for unit in those}
    return found


def _chain(unit: str, above: Mapping[str, str]) -> Iterator[str]:
    """Yield what is above a unit, the nearest first; a circle ends where it closes."""
    seen = {unit}
    while (unit := above.get(unit, "")) and unit not in seen:
        seen.add(unit)
        yield unit
