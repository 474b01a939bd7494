"""A manager's words on a month, as they stand in a file of the policy folder: who says them, when, and what.

Put here how such a file is read. Where the words are printed is `reports.text.commentary`; reading
the folder is `connectors.policy.commentary`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sales.errors import UserError

LONGEST, LONGEST_NAME, MOST_LINES = 2_000, 120, 40
FORM = "begin the file with the lines `Author: NAME` and `Date: 2026-11-03`, an empty line, and the words"


class InvalidCommentary(UserError, ValueError):
    """A file of a manager's words cannot be read as such."""


@dataclass(frozen=True)
class Commentary:
    """Words of a manager on a month, in a plain subset of Markdown, with who says them and when."""

    author: str
    day: date
    text: str

    @property
    def as_file(self) -> str:
        """The words as they stand in their file."""
        return f"Author: {self.author}\nDate: {self.day.isoformat()}\n\n{self.text}\n"


def parse_commentary(text: str, file_name: str) -> Commentary:
    """Read a file of words; raises `InvalidCommentary` with one sentence."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    head, _, body = "\n".join(lines).partition("\n\n")
    said: dict[str, str] = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or key not in {"author", "date"} or key in said:
            raise InvalidCommentary(
                f"{file_name}: {line.strip()[:60]!r} is not one of its first lines; {FORM}"
            )
        said[key] = value.strip()
    author, words = said.get("author", ""), body.strip()
    if not author or len(author) > LONGEST_NAME:
        raise InvalidCommentary(
            f"{file_name} names no author of at most {LONGEST_NAME} letters; {FORM}"
        )
    try:
        day = date.fromisoformat(said.get("date", ""))
    except ValueError:
        raise InvalidCommentary(
            f"{file_name} has the date {said.get('date', '')[:40]!r}; {FORM}"
        ) from None
    if not words:
        raise InvalidCommentary(f"{file_name} has no words; write some, or delete the file")
    if len(words) > LONGEST:
        raise InvalidCommentary(
            f"{file_name} has {len(words):,} letters, and the first page has room for {LONGEST:,}; shorten it"
        )
    if words.count("\n") >= MOST_LINES:
        raise InvalidCommentary(
            f"{file_name} has more than {MOST_LINES} lines, and the first page has room for no more; shorten it"
        )
    return Commentary(author, day, words)
