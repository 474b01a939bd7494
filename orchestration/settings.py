"""Settings: from the command line, else the environment, else a file, else the default.

Put here how a setting is found and what it means to the program; the variables themselves are in
`variables`, the files in `setting_files`. Nothing is read at import.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_config_path, user_data_path

from connectors.delivery.smtp import IMPLICIT, PLAIN, SmtpSettings
from connectors.salesforce.auth import MissingSetting
from orchestration.setting_files import SettingsFile, files_in
from orchestration.variables import VARIABLES, Variable

# A checkout, or where a wheel was unpacked: both have the demo's policy and Dagster's settings.
PROJECT = Path(__file__).resolve().parent.parent


MOST_PERCENT, HIGHEST_PORT = 100, 65_535
TEXT, JSON = "text", "json"
LOGIN = "SALESFORCE_"
COMMAND_LINE, ENVIRONMENT, DEFAULT = "command line", "environment", "default"
KEY_BEGINS = "-----BEGIN"
DEMO_SENDER = "Onpace <reports@tidewater.example>"
_overrides: dict[str, str] = {}


@dataclass(frozen=True)
class Setting:
    """A variable's value, where it came from, and the folder that a relative path in it starts from."""

    variable: Variable
    value: str
    origin: str
    start: Path

    @property
    def shown(self) -> str:
        """The value as it may be printed."""
        if not self.value:
            return "(not set)"
        return "********" if self.variable.is_secret else self.value


def read_settings() -> dict[str, Setting]:
    """Return every setting with its origin; raises `MissingSetting` for a file that cannot be used."""
    files = setting_files()
    return {variable.name: _found(variable, files) for variable in VARIABLES}


def _found(variable: Variable, files: list[SettingsFile]) -> Setting:
    name, here = variable.name, Path.cwd()
    if name in _overrides:
        return Setting(variable, _overrides[name], COMMAND_LINE, here)
    if stated := os.environ.get(name):
        return Setting(variable, stated, ENVIRONMENT, here)
    for file in files:
        if stated := file.values.get(name):
            return Setting(variable, stated, str(file.path), file.path.parent)
        # A login counts as a whole: the key of one file is not for the address of another.
        if name.startswith(LOGIN) and any(each.startswith(LOGIN) for each in file.values):
            break
    return Setting(variable, variable.default, DEFAULT, PROJECT if is_checkout() else here)


def setting_files() -> list[SettingsFile]:
    """Return the files that hold settings, the first one going before the others.

    They lie where one stands or in the nearest folder above it, in the user's configuration folder,
    and in a checkout.
    """
    folders = [user_config_path("onpace"), *([PROJECT] if is_checkout() else [])]
    rest = [file for folder in folders for file in files_in(folder)]
    nearest = next((found for each in _above() if (found := _ours(each))), [])
    known = {file.path for file in nearest}
    return [*nearest, *(file for file in rest if file.path not in known)]


def _above() -> list[Path]:
    """Return the folder one stands in and those above it that belong to the same person."""
    here = Path.cwd()
    return [here, *(each for each in here.parents if each.stat().st_uid == here.stat().st_uid)]


def _ours(folder: Path) -> list[SettingsFile]:
    """Return the files of a folder that set something of ours."""
    names = {variable.name for variable in VARIABLES}
    return [file for file in files_in(folder) if names & file.values.keys()]


def value_of(name: str) -> str:
    """Return one setting's value."""
    return read_settings()[name].value


def home() -> Path:
    """Return the folder that holds extracts, tables and PDFs."""
    return _folder("ONPACE_HOME")


def policy_folder() -> Path:
    """Return the policy folder that is set, else the user's own, else a checkout's or the demo's.

    Raises `MissingSetting` where one is set and does not exist.
    """
    folder = _folder("ONPACE_POLICY")
    if is_policy_set() and not folder.is_dir():
        raise MissingSetting(
            f"the policy folder {folder} does not exist; create it, set ONPACE_POLICY to another one, or let `onpace init` write one"
        )
    return folder


def is_policy_set() -> bool:
    """Return whether anything but the default says where the policy is."""
    return read_settings()["ONPACE_POLICY"].origin != DEFAULT


def own_policy_folder() -> Path:
    """Return where a user's own policy lies when nothing is set."""
    return user_config_path("onpace") / "policy"


def dagster_home() -> Path | None:
    """Return the folder of a Dagster instance that somebody else set up, none where ours is used."""
    return _folder("ONPACE_DAGSTER_HOME") if value_of("ONPACE_DAGSTER_HOME") else None


def log_format() -> str:
    """Return how logs and progress are written: `text` or `json`."""
    name = value_of("ONPACE_LOG_FORMAT")
    if name not in {TEXT, JSON}:
        raise MissingSetting(
            f"ONPACE_LOG_FORMAT {name[:20]!r} is neither text nor json; correct it"
        )
    return name


def use_embedded_org() -> None:
    """Forget where Salesforce and a shared catalogue are, for this process: the demo must never touch a real organisation.

    A home and a policy that a file names are somebody's own: the demo has its own.
    """
    found = read_settings()
    for name in ("ONPACE_HOME", "ONPACE_POLICY"):
        if found[name].origin not in {COMMAND_LINE, ENVIRONMENT, DEFAULT}:
            beside = PROJECT / found[name].variable.default
            is_own = name == "ONPACE_HOME" and not is_checkout()
            _overrides[name] = str(user_data_path("onpace") if is_own else beside)
    _overrides.update(
        {
            variable.name: variable.default
            for variable in VARIABLES
            if variable.name.startswith(("SALESFORCE_", "ONPACE_LEDGER"))
        }
    )


def use(values: Mapping[str, str]) -> None:
    """Let settings be what a person has just said, for this process."""
    _overrides.update(values)


def salesforce_settings() -> dict[str, str]:
    """Return what says where Salesforce is and who we are, secrets included: for a file that only its owner may read."""
    return {
        name: str(_folder(name)) if name.endswith("_FILE") else setting.value
        for name, setting in read_settings().items()
        if name.startswith("SALESFORCE_") and setting.value != setting.variable.default
    }


def use_mailbox(port: int) -> None:
    """Send mail to a server on this machine, for this process: the demo must never write to anybody."""
    _overrides.update(
        {
            variable.name: variable.default
            for variable in VARIABLES
            if variable.name.startswith(("SMTP_", "SLACK_", "ONPACE_NOTICES", "ONPACE_OUTBOX"))
        }
    )
    _overrides.update(
        {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(port),
            "SMTP_SECURITY": PLAIN,
            "SMTP_FROM": DEMO_SENDER,
        }
    )


def _folder(name: str) -> Path:
    """Return a folder: what a person typed is relative to where they are, what a file says to that file, the rest to the project.

    An installed program writes nothing beside its code: its defaults are the user's own folders.
    """
    setting = read_settings()[name]
    if setting.origin == DEFAULT and setting.value and not is_checkout():
        return _folder_of_user(name, setting.value)
    return (setting.start / Path(setting.value).expanduser()).resolve()


def is_checkout() -> bool:
    """Return whether this program runs from a checkout, where data and settings lie beside it."""
    return (PROJECT / "pyproject.toml").is_file()


def _folder_of_user(name: str, value: str) -> Path:
    if name == "ONPACE_POLICY":
        own = own_policy_folder()
        return own if own.is_dir() and not uses_embedded_org() else PROJECT / value
    return user_data_path("onpace")


def private_key() -> str:
    """Return the private key of a JWT login as PEM text, empty where none is set."""
    text = value_of("SALESFORCE_PRIVATE_KEY")
    if text:
        return text.replace("\\n", "\n")  # one line in .env
    name = value_of("SALESFORCE_PRIVATE_KEY_FILE")
    if not name:
        return ""
    try:
        found = _folder("SALESFORCE_PRIVATE_KEY_FILE").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        found = ""
    if KEY_BEGINS not in found:
        raise MissingSetting(
            "SALESFORCE_PRIVATE_KEY_FILE names no readable file with a private key in PEM form; correct the path"
        )
    return found


def smtp() -> SmtpSettings | None:
    """Return where mail goes out, none where no server is named."""
    host = value_of("SMTP_HOST")
    if not host:
        return None
    security, port = value_of("SMTP_SECURITY"), value_of("SMTP_PORT")
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= HIGHEST_PORT):
        raise MissingSetting(f"SMTP_PORT {port[:20]!r} is no port; correct it or leave it empty")
    default = 465 if security == IMPLICIT else 587
    authority = str(_folder("SMTP_AUTHORITY_FILE")) if value_of("SMTP_AUTHORITY_FILE") else ""
    return SmtpSettings(
        host,
        int(port or default),
        security,
        value_of("SMTP_FROM"),
        value_of("SMTP_USERNAME"),
        _smtp_password(),
        authority,
        helo=value_of("SMTP_HELO"),
    )


def _smtp_password() -> str:
    if not value_of("SMTP_PASSWORD_FILE"):
        return value_of("SMTP_PASSWORD")
    try:
        return _folder("SMTP_PASSWORD_FILE").read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise MissingSetting(
            "SMTP_PASSWORD_FILE names no readable file; correct the path"
        ) from None


def host_of(name: str) -> str:
    """Return the host of an address that a variable holds, empty where it has none."""
    return hosts_of(name)[0] if value_of(name) else ""


def hosts_of(name: str) -> list[str]:
    """Return the hosts of addresses or names that a variable holds, with spaces between them."""
    try:
        found = [
            urlsplit(each if "://" in each else f"//{each}").hostname
            for each in value_of(name).split()
        ]
    except ValueError:
        found = [None]
    if not all(found):
        raise MissingSetting(f"{name} {value_of(name)[:60]!r} is no address; correct it")
    return [each for each in found if each]


def user_header() -> str:
    """Return the header that says who asks for documents, empty where none does."""
    name = value_of("ONPACE_USER_HEADER")
    if name and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
        raise MissingSetting(
            f"ONPACE_USER_HEADER {name[:40]!r} is no name of a header; set it to one such as X-Onpace-User"
        )
    return name


def api_share() -> int:
    """Return the percentage of the day's requests after which a pull stops."""
    text = value_of("SALESFORCE_API_SHARE")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PERCENT):
        raise MissingSetting(
            f"SALESFORCE_API_SHARE {text[:20]!r} is no percentage from 1 to {MOST_PERCENT}; correct it"
        )
    return int(text)


def uses_embedded_org() -> bool:
    """Return whether nothing says where Salesforce is."""
    settings = read_settings()
    return not any(
        setting.value != setting.variable.default
        for name, setting in settings.items()
        if name.startswith("SALESFORCE_")
    )
