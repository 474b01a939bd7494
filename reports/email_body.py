"""The mail that brings documents: three headline numbers in words, as text and as HTML.

Put what a mail says here; who gets it is `sales.delivery.recipients`, how it is sent
`connectors.delivery.smtp`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.rendering.pdf import environment
from reports.text import formats
from reports.text.i18n import language
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
class Part:
    """What a mail says of one document."""

    title: str
    headlines: Sequence[Headline]
    link: str
    revision: str


def cover(
    documents: Sequence[Document],
    headlines: Mapping[str, Sequence[Headline]],
    month: Month,
    company: str,
    code: str,
    *,
    links: Mapping[str, str],
    is_demo: bool,
    revisions: Mapping[str, int],
) -> Cover:
    """Return what a mail says of documents: `headlines` by file are name, value and note.

    `links` are addresses of documents that are not attached; `revisions` above 1 are marked as
    such.
    """
    words = language(code)
    month_name = words.month_name(month)
    revised = any(revision > 1 for revision in revisions.values())
    shown = {"company": formats.unmarked(formats.printable(company)), "month": month_name}
    subject = (
        words.say("{company}: {month}, revised", **shown)
        if revised
        else words.say("{company}: {month}, sales at month end", **shown)
    )
    parts = [
        Part(
            formats.unmarked(each.title),
            [
                (formats.unmarked(name), value, note)
                for name, value, note in headlines.get(each.file, ())
            ],
            links.get(each.file, ""),
            words.say("Revision {n}: its last pages say what changed.", n=revisions[each.file])
            if revisions.get(each.file, 1) > 1
            else "",
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
        words.say("Sent by Onpace after the month end. What is in this mail is confidential."),
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


def _text(subject: str, parts: Sequence[Part], remarks: Sequence[str], open_words: str) -> str:
    blocks = [subject]
    for part in parts:
        lines = [
            part.title,
            part.revision,
            *(f"  {name}: {value} ({note})" for name, value, note in part.headlines),
        ]
        blocks.append(
            "\n".join(
                line for line in [*lines, f"{open_words}: {part.link}" if part.link else ""] if line
            )
        )
    return "\n\n".join([*blocks, "\n".join(each for each in remarks if each)]) + "\n"
