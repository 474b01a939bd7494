"""Everyone whom Salesforce knows by an address, with the teams that they lead.

Put here who stands above whom, as far as mail needs it; who gets what is `recipients`.
"""

from __future__ import annotations

from sales import arrow as columns
from sales.delivery.recipients import DirectoryEntry, usable_address
from sales.history.extract import Extract, people
from sales.policy.rules import MonthRules
from sales.targets.quotas import managers_above


def directory(extract: Extract, rules: MonthRules) -> list[DirectoryEntry]:
    """Return every active user; a team is led by who is above all of its active people."""
    users, owners = extract.users, people(extract, rules.policy.pipeline.team_by)
    above = managers_above(users, extract.roles, rules)
    ids = owners.ids.to_pylist()
    teams, names = (
        dict(zip(ids, owners.teams.to_pylist(), strict=True)),
        dict(zip(ids, owners.names.to_pylist(), strict=True)),
    )
    addresses = dict(zip(users["user_id"], columns.arrow(users["email"]).to_pylist(), strict=True))
    active = [
        user
        for user, is_active in zip(
            users["user_id"], columns.booleans(users["is_active"]), strict=True
        )
        if is_active
    ]
    members: dict[str, list[str]] = {}
    for user in active:
        members.setdefault(teams[user], []).append(user)
    leads: dict[str, set[str]] = {}
    for team, those in members.items():
        first, *others = (above.get(each, frozenset[str]()) for each in those)
        for lead in first.intersection(*others):
            leads.setdefault(lead, set()).add(team)
    found: list[DirectoryEntry] = []
    for user in active:
        stated = addresses[user] or ""
        address = usable_address(stated)
        its_leads = frozenset(leads.get(user, ()))
        unusable = "" if address else stated
        found.append(DirectoryEntry(user, names[user], address, teams[user], its_leads, unusable))
    return found
