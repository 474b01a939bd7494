"""The policy folder: one TOML file a fiscal year."""

from __future__ import annotations

from pathlib import Path

from connectors.storage.files import digest_of
from sales.delivery import recipients
from sales.delivery.recipients import RecipientBook, parse_recipients
from sales.policy.reading import parse_policy
from sales.policy.rules import PolicyBook
from sales.policy.sections import FILE_NAME, InvalidPolicy, SalesPolicy

LARGEST_FILE = 1_000_000


def read_policies(folder: Path) -> PolicyBook:
    """Read every `fyYYYY.toml`; raises `InvalidPolicy` with one sentence.

    No folder, or one without policies, is allowed: the organisation's own settings and the defaults hold.
    """
    policies: dict[int, SalesPolicy] = {}
    for path in sorted(folder.glob("*.toml")):
        if path.name == recipients.FILE_NAME:
            continue
        year = FILE_NAME.fullmatch(path.name)
        if year is None:
            raise InvalidPolicy(
                f"{path.name} is not a policy file; name it after its fiscal year, such as fy2027.toml"
            )
        policies[int(year.group(1))] = parse_policy(read_text(path), path.name)
    return PolicyBook(policies)


def read_recipients(folder: Path) -> RecipientBook:
    """Read `recipients.toml`; without it nobody gets mail. Raises `InvalidRecipients` with one sentence."""
    path = folder / recipients.FILE_NAME
    return parse_recipients(read_text(path)) if path.exists() else RecipientBook()


def read_text(path: Path) -> str:
    """Return a small UTF-8 file's text; raises `InvalidPolicy` with one sentence."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidPolicy(f"{path.name} is not UTF-8 text; save it as UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """Return a small file's content; raises `InvalidPolicy` with one sentence."""
    try:
        if path.exists() and not path.is_file():
            raise InvalidPolicy(f"{path.name} is no file; replace it by one")
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidPolicy(
                f"{path.name} is larger than {LARGEST_FILE:,} bytes; this cannot be a policy file"
            )
        return path.read_bytes()
    except OSError as fault:
        raise InvalidPolicy(f"{path} cannot be read: {fault.strerror}") from None


def policy_files(folder: Path) -> list[tuple[str, str]]:
    """Return the name and SHA-256 of every file of the folder, logos included, in order of their names."""
    return [
        (path.relative_to(folder).as_posix(), digest_of(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
