"""A policy file for a firm that has none: every key, its default and what it means, with what is known filled in.

Put here how such a file looks; which keys there are, and what they mean, is `sections`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, cast, get_args, get_origin

import tomlkit
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sales.policy.sections import SalesPolicy

Stated = Mapping[str, Mapping[str, object]]
# What stands behind a key that has no default, so that a line needs only its sign for comments taken away.
EXAMPLES: dict[str, object] = {
    "fiscal.start_month": 4,
    "fiscal.year_name": "end",
    "fiscal.time_zone": "Europe/London",
    "fiscal.company": "Example Ltd",
    "fiscal.currency": "GBP",
    "targets.decimal": ",",
    "targets.dates": "day_first",
    "pipeline.amount_field": "Net_Amount__c",
    "pipeline.dimension": "Service_Line__c",
    "brand.name": "Example Ltd",
    "brand.logo": "logo.svg",
    "calls.forecasting_type": "OpportunityRevenue",
    "clients.effort_field": "Effort_Days__c",
    "clients.service_start_field": "Service_Start__c",
    "clients.service_end_field": "Service_End__c",
    "clients.capacity_days": 120,
    "delivery.oldest_extract_hours": 48,
    "retention.revisions_days": 365,
}
# Tables inside a section, and an example of their lines.
INNER: dict[str, tuple[str, ...]] = {
    "fiscal.rates": ("EUR = 1.17",),
    "pipeline.stages": ('"Old stage" = "open"',),
    "brand.teams": ('"North" = { footer = "The northern team" }',),
    "brand.people": ('"ann@acme.example" = { languages = ["de"] }',),
}
SOURCES = ('"Web" = "Marketing"', '"Partner Referral" = { owner = "Partners", share = 0.2 }')


def policy_text(heading: str, stated: Stated, notes: Mapping[str, Sequence[str]]) -> str:
    """Return the text of a policy file.

    `stated` are values by section and key, `notes` lines of comment by section. What is not stated
    stands there as a comment with its default.
    """
    lines = [
        f"# {_one_line(heading)}",
        "# Lines that begin with # show what holds without them, or an example.",
    ]
    for name, field in SalesPolicy.model_fields.items():
        lines += ["", *_section(name, field, stated.get(name, {}), notes.get(name, ()))]
    return "\n".join(lines) + "\n"


def _section(
    name: str, field: FieldInfo, stated: Mapping[str, object], notes: Sequence[str]
) -> Iterator[str]:
    kind = field.annotation
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        yield from ("# Whose work a lead source is, and what it is to bring.", f"# [{name}]")
        yield from (f"# {line}" for line in SOURCES)
        return
    yield f"# {(kind.__doc__ or '').partition(chr(10))[0]}"
    yield from (f"# {_one_line(note)}" for note in notes)
    yield f"[{name}]"
    inner = [key for key in kind.model_fields if f"{name}.{key}" in INNER]
    for key, each in kind.model_fields.items():
        if key not in inner:
            yield f"# {_meaning(each)}"
            yield _line(f"{name}.{key}", key, each, stated)
    for key in inner:
        yield f"# {_meaning(kind.model_fields[key])}"
        yield f"# [{name}.{key}]"
        yield from (f"# {line}" for line in INNER[f"{name}.{key}"])


def _line(place: str, key: str, field: FieldInfo, stated: Mapping[str, object]) -> str:
    if key in stated:
        return f"{key} = {toml_of(stated[key])}"
    return f"# {key} = {toml_of(EXAMPLES.get(place, field.get_default(call_default_factory=True)))}"


def _meaning(field: FieldInfo) -> str:
    choices = choices_of(field.annotation)
    named = f" One of {', '.join(toml_of(each) for each in choices)}." if choices else ""
    return f"{field.description}{named}"


def choices_of(kind: object) -> tuple[object, ...]:
    """Return what a key may be, empty where it is free."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((found for each in get_args(kind) if (found := choices_of(each))), ())


def toml_of(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, tuple):
        return f"[{', '.join(toml_of(each) for each in cast('tuple[object, ...]', value))}]"
    return tomlkit.item(value).as_string()


def _one_line(text: str) -> str:
    """Return a text that ends no comment: one line without signs that TOML forbids."""
    return "".join(each if each.isprintable() else " " for each in text)
