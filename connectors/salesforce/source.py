"""What is read of an object: its fields, each with the column that it becomes, and what is missing or hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sales.errors import UserError
from sales.policy.rules import CustomFields


class MissingField(UserError, PermissionError):
    """A field that a table cannot do without is not visible to this user."""


class MissingObject(UserError, PermissionError):
    """An object that a table cannot do without is not visible to this user."""


@dataclass(frozen=True)
class Source:
    """One column: the Salesforce field, its kind, whether the table can do without it, and what a hidden flag counts as."""

    column: str
    field: str
    kind: str = "text"
    needed: bool = False
    default: bool = False


@dataclass(frozen=True)
class ObjectSource:
    """One raw table: the Salesforce object and its fields.

    `optional` objects may be absent, and `why` says what that means; `quiet` fields are absent
    from many organisations and nothing follows; `where` narrows what is read.
    """

    table: str
    object_name: str
    sources: Sequence[Source]
    optional: bool = False
    why: str = ""
    quiet: tuple[str, ...] = ()
    where: str = ""

    @cached_property
    def cursor(self) -> str:
        """The field that says what is new: field history has no other than its creation."""
        fields = {each.field for each in self.sources}
        return "SystemModstamp" if "SystemModstamp" in fields else "CreatedDate"

    @property
    def key(self) -> str:
        """The column that holds the record id."""
        return self.sources[0].column

    def with_custom(self, custom: CustomFields) -> ObjectSource:
        """Return the object with the custom fields that policy names."""
        if self.object_name != "Opportunity":
            return self
        named = [
            Source("custom_amount", custom.amount, "exact", needed=True),
            Source("effort_days", custom.effort, "number", needed=True),
            Source("service_start", custom.service_start, "day", needed=True),
            Source("service_end", custom.service_end, "day", needed=True),
            Source("dimension", custom.dimension, "picklist", needed=True),
        ]
        return replace(self, sources=[*self.sources, *(each for each in named if each.field)])


@dataclass(frozen=True)
class ExtractFinding:
    """Something about the extract as such: what is hidden, absent or changed, and what that means."""

    place: str
    meaning: str


FieldTypes = dict[str, str]
