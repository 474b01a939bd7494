"""The mail that brings documents: what happened, what must happen next and the headline numbers, as text and as HTML.

Put what a mail says here; who gets it is `sales.delivery.recipients`, how it is sent
`connectors.delivery.smtp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from reports.rendering.pdf import environment
from reports.text import formats
from reports.text.i18n import Language, language
from sales.calendar import Month
from sales.delivery.recipients import Document

Headline = tuple[str, str, str]


@dataclass(frozen=True)
class Cover:
    """What a mail says, without addresses."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Said:
    """What the first page of a document says: its headline numbers (name, value and note), its verdict, and what it asks for."""

    headlines: Sequence[Headline] = ()
    verdict: str = ""
    actions: Sequence[str] = ()


NOTHING = Said()


@dataclass(frozen=True)
class Occasion:
    """What a mail is about: its subject, that of a revision, and by what it was sent."""

    subject: str
    revised: str
    sent_by: str


def month_end(month: Month, company: str, code: str) -> Occasion:
    """Return the occasion of a month end, in a language."""
    words = language(code)
    shown = {
        "company": formats.unmarked(formats.printable(company)),
        "month": words.month_name(month),
    }
    return Occasion(
        words.say("{company}: {month}, sales at month end", **shown),
        words.say("{company}: {month}, revised", **shown),
        words.say("Sent by Onpace after the month end. What is in this mail is confidential."),
    )


def weekly_flash(month: Month, last_day: date, company: str, code: str) -> Occasion:
    """Return the occasion of a flash of a running month, whose last known day is given."""
    words = language(code)
    shown = {
        "company": formats.unmarked(formats.printable(company)),
        "month": words.month_name(month),
        "day": words.day(last_day),
    }
    return Occasion(
        words.say("{company}: {month} to date, {day}", **shown),
        words.say("{company}: {month} to date, {day}, revised", **shown),
        words.say("Sent by Onpace once a week. What is in this mail is confidential."),
    )


@dataclass(frozen=True)
class Part:
    """What a mail says of one document."""

    title: str
    verdict: str
    actions: Sequence[str]
    headlines: Sequence[Headline]
    link: str
    revision: str


def cover(
    documents: Sequence[Document],
    said: Mapping[str, Said],
    occasion: Occasion,
    code: str,
    *,
    links: Mapping[str, str],
    is_demo: bool,
    revisions: Mapping[str, int],
    has_same_numbers: bool = False,
) -> Cover:
    """Return what a mail says of documents: `said` are their first pages by file.

    `links` are addresses of documents that are not attached; `revisions` above 1 are marked as
    such, and where the numbers are the same as in the one before, so it is said.
    """
    words = language(code)
    revised = any(revision > 1 for revision in revisions.values())
    subject = occasion.revised if revised else occasion.subject
    parts = [
        Part(
            formats.unmarked(each.title),
            said.get(each.file, NOTHING).verdict,
            said.get(each.file, NOTHING).actions,
            [
                (formats.unmarked(name), value, note)
                for name, value, note in said.get(each.file, NOTHING).headlines
            ],
            links.get(each.file, ""),
            _revised(words, revisions.get(each.file, 1), has_same_numbers=has_same_numbers),
        )
        for each in documents
    ]
    count = len(documents) - len(links)
    remarks = [
        words.say_many("{n} document is attached.", "{n} documents are attached.", count)
        if count
        else "",
        words.say(
            "Demonstration: these figures come from the embedded org, not from your Salesforce."
        )
        if is_demo
        else "",
        occasion.sent_by,
    ]
    open_words = words.say("Open the document")
    html = (
        environment()
        .get_template("letter.html")
        .render(
            parts=parts,
            remarks=[each for each in remarks if each],
            link=open_words,
            subject=subject,
            code=code,
        )
    )
    return Cover(subject, _text(subject, parts, remarks, open_words), html)


def _revised(words: Language, revision: int, *, has_same_numbers: bool) -> str:
    """Return what a reader is told of a revision; nothing of the first one."""
    if revision <= 1:
        return ""
    if has_same_numbers:
        return words.say("Revision {n}: words or looks changed, no number did.", n=revision)
    return words.say("Revision {n}: its last pages say what changed.", n=revision)


def _text(subject: str, parts: Sequence[Part], remarks: Sequence[str], open_words: str) -> str:
    blocks = [subject]
    for part in parts:
        lines = [
            part.title,
            part.revision,
            part.verdict,
            *(f"{number}. {action}" for number, action in enumerate(part.actions, start=1)),
            *(f"  {name}: {value} ({note})" for name, value, note in part.headlines),
        ]
        blocks.append(
            "\n".join(
                line for line in [*lines, f"{open_words}: {part.link}" if part.link else ""] if line
            )
        )
    return "\n\n".join([*blocks, "\n".join(each for each in remarks if each)]) + "\n"
