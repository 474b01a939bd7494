"""A manager's words as a page prints them: paragraphs, lists and emphasis, and nothing else of Markdown.

Put here what of Markdown is understood. HTML, links, pictures and code stay the text that they are.
"""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markupsafe import Markup

from reports.text import formats

UNDERSTOOD = ["paragraph", "list", "emphasis", "newline", "escape"]


def as_markup(text: str) -> Markup:
    """Return words as well-formed markup; every other character of them is text."""
    lines = [_line(each) for each in text.splitlines()]
    return Markup(_parser().render("\n".join(lines)))  # noqa: S704  # the parser escapes all text, and makes paragraphs, lists and emphasis only


def _line(line: str) -> str:
    """Return a line with what no font can draw replaced, its indent kept."""
    if not line.strip():
        return ""
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + formats.one_line(line)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False, "xhtmlOut": True}).enable(UNDERSTOOD)
