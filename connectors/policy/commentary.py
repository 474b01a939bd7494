"""Managers' words in the policy folder: `commentary/2026-10/company.md` and `team-NAME.md`.

Put here which file is whose; what stands in one is `sales.policy.commentary`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from anyascii import anyascii

from connectors.policy.folder import read_text
from sales.calendar import Month
from sales.policy.commentary import Commentary, InvalidCommentary, parse_commentary

FOLDER, COMPANY = "commentary", "company.md"
# Letters of a team's name that are looked at: a name may be a million long.
READ, MOST_LETTERS = 200, 60


def commentary_file(folder: Path, month: Month, team: str | None) -> Path:
    """Return where the words of the company or a team on a month are, or would be."""
    return folder / FOLDER / str(month) / _file_name(team)


def read_commentary(
    folder: Path, month: Month, teams: Collection[str]
) -> Mapping[str | None, Commentary]:
    """Return the words on a month by team, the company's under none; raises `InvalidCommentary`.

    A file that belongs to no team is refused by name: its words would be lost in silence.
    """
    place = folder / FOLDER / str(month)
    if not place.is_dir():
        return {}
    whose: dict[str, list[str | None]] = {COMPANY: [None]}
    for team in sorted(teams):
        whose.setdefault(_file_name(team), []).append(team)
    found: dict[str | None, Commentary] = {}
    for path in sorted(place.iterdir()):
        if path.name.startswith("."):
            continue
        owners = whose.get(path.name, [])
        where = f"{FOLDER}/{month}/{path.name[:80]}"
        if len(owners) != 1:
            raise InvalidCommentary(_unknown(where, path.name, whose, owners))
        found[owners[0]] = parse_commentary(read_text(path), where)
    return found


def is_commentary(name: str) -> bool:
    """Return whether a file of the policy folder, by its path in it, lies among managers' words."""
    return name.startswith(f"{FOLDER}/")


def is_of_another_month(name: str, month: Month) -> bool:
    """Return whether a file of the policy folder, by its path in it, holds words on another month."""
    return is_commentary(name) and not name.startswith(f"{FOLDER}/{month}/")


def _unknown(
    where: str, name: str, whose: Mapping[str, list[str | None]], owners: Iterable[str | None]
) -> str:
    if several := [each for each in owners if each]:
        return f"{where} fits several teams ({', '.join(several)[:120]}); rename one of them in Salesforce"
    near = difflib.get_close_matches(name, whose, n=1, cutoff=0.0)
    return f"{where} is no team's; did you mean {near[0]}?"


def _file_name(team: str | None) -> str:
    if team is None:
        return COMPANY
    letters = re.sub(r"[^a-z0-9]+", "-", anyascii(team[:READ]).lower())
    return f"team-{letters.strip('-')[:MOST_LETTERS].strip('-') or 'team'}.md"
