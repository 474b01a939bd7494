"""Whom a policy file means: users by id, user name and e-mail."""

from __future__ import annotations

import difflib
from typing import TypeVar

import pandas as pd

from connectors.policy.csv_rows import PolicyLine, PolicyRow

_Row = TypeVar("_Row", bound=PolicyRow)
# An id of 18 characters carries the case of its first 15 in its end: it is unique in any case.
LONG_ID = 18


class Owners:
    """Users by id, user name and e-mail."""

    def __init__(self, users: pd.DataFrame) -> None:
        """Index the users."""
        self._found: dict[str, set[str]] = {}
        # An id or a user name is one user; an e-mail may belong to several.
        self._exact: dict[str, str] = {}
        self._near: dict[str, str] = {}
        for user_id, username, email, full_name in users[
            ["user_id", "username", "email", "name"]
        ].itertuples(index=False):
            shown = username if isinstance(username, str) else user_id
            self._near |= {
                _local(text): shown
                for text in (username, email, full_name)
                if isinstance(text, str)
            }
            self._exact[user_id] = user_id
            if len(user_id) == LONG_ID:
                self._exact[user_id.casefold()] = user_id
            self._exact[user_id[:15]] = user_id
            if isinstance(username, str):
                self._exact[username.casefold()] = user_id
            if isinstance(email, str):
                self._found.setdefault(email.casefold(), set()).add(user_id)

    def matches(self, name: str) -> list[str]:
        """Return the ids of the users that a user name, e-mail or id may mean."""
        exact = self._exact.get(name) or self._exact.get(name.casefold())
        return [exact] if exact else sorted(self._found.get(name.casefold(), set()))

    def find(self, name: str, line: PolicyLine[_Row]) -> str:
        """Return the user id of a line's owner."""
        found = self.matches(name)
        if len(found) == 1:
            return found[0]
        raise line.fault(self.unclear(name))

    def unclear(self, name: str) -> str:
        """Return why a name does not mean one user, and what to write instead."""
        if several := self.matches(name):
            return f"owner {name[:80]!r} is the e-mail of {len(several)} users; use the user name or the user id"
        return f"owner {name[:80]!r} is not a user of Salesforce; {self._proposal(name)}"

    def _proposal(self, name: str) -> str:
        """Return what to write instead: the user name that looks most like it, also by the person's name."""
        near = difflib.get_close_matches(_local(name), self._near, n=1, cutoff=0.65)
        return (
            f"did you mean {self._near[near[0]]!r}?"
            if near
            else "use a user name, an e-mail or a user id"
        )


def _local(name: str) -> str:
    """Return what tells users of one domain apart."""
    return name.casefold().partition("@")[0]
