"""The languages of the pages: texts by catalogue, values by locale.

Put the lookup of words here. Texts are written in English where they are used, as
`say("…{name}…", name=…)`; translations lie in `translations/LANGUAGE.po`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from markupsafe import Markup, escape

from reports.text.formats import Formats
from sales.policy.sections import LANGUAGES

TRANSLATIONS = Path(__file__).parents[1] / "translations"


@dataclass(frozen=True)
class Language(Formats):
    """A language that pages can be printed in."""

    code: str = "en"

    def say(self, text: str, /, **values: object) -> str:
        """Return a text in this language with its values; markup where one of them is."""
        return _filled(_translations(self.code).gettext(text) if text else text, values)

    def say_many(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Return the form of a text that goes with a number; `{n}` is the number as it is written."""
        text = _translations(self.code).ngettext(one, many, number)
        return _filled(text, {"n": self.count(number), **values})

    def deals(self, number: int) -> str:
        """Return a number of deals in words."""
        return self.say_many("{n} deal", "{n} deals", number)

    def joined(self, parts: list[str]) -> str:
        """Return sentences one after the other; markup where one of them is."""
        kept = [part for part in parts if part]
        return (
            Markup(" ").join(kept)
            if any(isinstance(part, Markup) for part in kept)
            else " ".join(kept)
        )


def marked(text: str) -> str:
    """Mark a text for translation where it stands in a table; whoever prints it calls `say`."""
    return text


@lru_cache
def language(code: str) -> Language:
    """Return a language by its code; `sales.policy.sections.LANGUAGES` names those that there are."""
    return Language(LANGUAGES[code], code)


@lru_cache
def catalogue(code: str) -> Catalog:
    """Return the translations into a language, empty for the one that texts are written in."""
    path = TRANSLATIONS / f"{code}.po"
    if _is_source(code):
        return Catalog("en")
    with path.open("rb") as file:
        return read_po(file, locale=code)


@lru_cache
def _translations(code: str) -> NullTranslations:
    """Return a language's texts with its own forms of numbers, as its catalogue states them."""
    if _is_source(code):
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Translations(compiled)


def _is_source(code: str) -> bool:
    """Return whether texts are written in this language, wherever it is spoken."""
    return code.partition("-")[0] == "en"


def _filled(text: str, values: dict[str, object]) -> str:
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(escape(text)).format(**values)  # noqa: S704  # the text is escaped, and so is every value that is no markup
    return text.format(**values) if values else text
