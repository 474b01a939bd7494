"""Reading the sections of a policy file from TOML: what it says, or what is wrong with it, as sentences.

Put here how TOML becomes sections and how to complain about it; which keys there are is `sections`
and `sales.planning.scenario`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from typing import TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sales.policy.sections import InvalidPolicy, SalesPolicy

_Model = TypeVar("_Model", bound=BaseModel)


def parse_policy(text: str, file_name: str) -> SalesPolicy:
    """Read one policy file; raises `InvalidPolicy` with the first fault as one sentence."""
    policy, faults = _policy(text, file_name)
    if policy is None or faults:
        raise InvalidPolicy(faults[0])
    return policy


def policy_faults(text: str, file_name: str) -> list[str]:
    """Return everything that is wrong with a policy file, a sentence each."""
    return _policy(text, file_name)[1]


def parse_sections(text: str, file_name: str, model: type[_Model]) -> _Model:
    """Read any file of sections; raises `InvalidPolicy` with the first fault as one sentence."""
    found, faults = _read(text, file_name, model)
    if found is None:
        raise InvalidPolicy(faults[0])
    return found


def _policy(text: str, file_name: str) -> tuple[SalesPolicy | None, list[str]]:
    policy, faults = _read(text, file_name, SalesPolicy)
    if policy is None:
        return None, faults
    return policy, [f"{file_name}: {each}" for each in _contradictions(policy)]


def _read(text: str, file_name: str, model: type[_Model]) -> tuple[_Model | None, list[str]]:
    """Return what a file says, none where it cannot be read, and what is wrong with it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        return None, [f"{file_name} is not valid TOML: {fault}"]
    try:
        return model.model_validate(raw), []
    except ValidationError as faults:
        return None, [
            _sentence(file_name, each["loc"], each["type"], each["msg"], each["input"], model)
            for each in faults.errors(include_url=False)
        ]


def _contradictions(policy: SalesPolicy) -> Iterator[str]:
    phasing, bands = policy.phasing, policy.forecast
    if phasing.method == "custom" and len(phasing.weights) != policy.fiscal.months:
        yield (
            f'[phasing] weights has {len(phasing.weights)} numbers; method "custom" needs {policy.fiscal.months}, one a month from the first fiscal month'
        )
    elif phasing.method == "custom" and not any(phasing.weights):
        yield "[phasing] weights are all zero; give at least one month a weight"
    if not bands.secure >= bands.on_track >= bands.stretch:
        yield "[forecast] bounds must fall from secure over on_track to stretch; correct their order"


def _sentence(
    file_name: str,
    place: tuple[int | str, ...],
    kind: str,
    message: str,
    value: object,
    model: type[BaseModel],
) -> str:
    reason = message.removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    if kind == "value_error" and isinstance(
        value, Mapping
    ):  # of a section, or the file, as a whole
        whole = f"[{'.'.join(str(part)[:60] for part in place)}] " if place else ""
        return f"{file_name}: {whole}{reason}"
    *above, key = [str(part)[:60] for part in place]
    where = f"[{'.'.join(above)}] {key}" if above else key
    if kind == "missing":
        return f"{file_name}: {where} is missing"
    if kind == "extra_forbidden":
        known = _known_keys(above, model)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        return f"{file_name}: unknown key {key!r} in {'[' + '.'.join(above) + ']' if above else 'the file'}; did you mean {near[0]!r}?"
    return f"{file_name}: {where} = {str(value)[:60]!r}: {reason}"


def _known_keys(above: list[str], model: type[BaseModel]) -> list[str]:
    section = model
    names = iter(above)
    for name in names:
        inner = section.model_fields[name].annotation
        # A value of a dictionary may be annotated with how it is read.
        kinds = (
            inner,
            *get_args(inner),
            *(part for each in get_args(inner) for part in get_args(each)),
        )
        section = next(
            kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)
        )
        if get_origin(inner) in {dict, tuple}:
            next(names, None)  # the name of a team or person, or the number of a line: no key
    return list(section.model_fields)
