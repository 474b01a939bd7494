"""Files that hold settings: `.env`, and `onpace.toml` for what is no secret.

Put here how such a file is read; which of them counts is said by `settings`.
"""

from __future__ import annotations

import difflib
import io
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import parse_stream

from connectors.salesforce.auth import MissingSetting
from orchestration.variables import VARIABLES

SECRETS_FILE, PLAIN_FILE = ".env", "onpace.toml"


@dataclass(frozen=True)
class SettingsFile:
    """A file and what it sets, by the names of variables."""

    path: Path
    values: dict[str, str]


def files_in(folder: Path) -> list[SettingsFile]:
    """Return the files of a folder, `.env` first; raises `MissingSetting` that names the file and what is wrong with it."""
    found = list[SettingsFile]()
    for name, read in ((SECRETS_FILE, _read_env), (PLAIN_FILE, _read_toml)):
        path = folder / name
        if path.is_file():
            try:
                found.append(SettingsFile(path, read(path)))
            except OSError as fault:
                raise MissingSetting(f"{path} cannot be read: {fault.strerror}") from None
            except UnicodeDecodeError:
                raise MissingSetting(f"{path} is not UTF-8 text; save it as UTF-8") from None
    return found


def _read_env(path: Path) -> dict[str, str]:
    """Return what the lines of a file set, each as it stands there: no line reads another.

    A file that names nothing of ours is another program's, and may be written as that one likes.
    """
    found = dict[str, str]()
    text = path.read_text(encoding="utf-8")
    is_ours = any(variable.name in text for variable in VARIABLES)
    with io.StringIO(text, newline="") as file:
        for line in parse_stream(file):
            if line.error and is_ours:
                raise MissingSetting(
                    f"{path} line {line.original.line} cannot be read; write it as NAME='value'"
                )
            if line.key and line.value:
                found[line.key] = line.value
    return found


def _read_toml(path: Path) -> dict[str, str]:
    """Return what the tables of a file set: `domain` of `[salesforce]` is SALESFORCE_DOMAIN."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as fault:
        raise MissingSetting(f"{path} is not valid TOML: {fault}") from None
    known = {variable.name: variable for variable in VARIABLES}
    found = dict[str, str]()
    for section, keys in raw.items():
        if not isinstance(keys, dict):
            raise MissingSetting(
                f'{path}: {section[:40]!r} stands in no table; write it as [onpace] home = "data"'
            )
        for key, value in keys.items():
            name = f"{section}_{key}".upper()
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                table, _, rest = near.lower().partition("_")
                raise MissingSetting(
                    f"{path}: unknown setting [{section[:40]}] {key[:40]}; did you mean [{table}] {rest}?"
                )
            if known[name].is_secret:
                raise MissingSetting(
                    f"{path}: [{section}] {key} is a secret; keep it in {SECRETS_FILE} beside it, which nobody else can read"
                )
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise MissingSetting(f"{path}: [{section}] {key} is neither a text nor a number")
            found[name] = str(value)
    return found
