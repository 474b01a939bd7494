"""Mails as programs read them that we did not write: another parser, and a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import sync_playwright

from benchmarks.chromium import executable
from connectors.delivery.smtp import Attached, Letter, message_of
from reports.email_body import Said, cover, month_end
from sales.delivery.recipients import Document
from tests.end_to_end.dagster_ui import with_fonts_of_the_machine
from tests.publication.april import NOW
from tests.reports.months import HOSTILE, MONTH

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parents[2] / "clients"
PARSER = CLIENTS / "node_modules" / "postal-mime"
SAID = Said(
    [
        ("October 2026", "€1.01m", "157% of €643k; last year €985k"),
        ("Year to date", "€40k", "of €60k phased"),
        ("Forecast FY2027", "€9.36m", "€8.66m to €10.2m; target €8.33m"),
        ("Attainment", "67%", ""),
    ],
    "April 2026 booked €0.",
    ["Ann: Re-date Deal 901 by 14 May 2026."],
)
LONGEST_LINE = 998  # RFC 5322, 2.1.1
READABLE = 4.5  # WCAG 2.2, 1.4.3


def letter(name: str, to: str = "ann@acme.example") -> Letter:
    file = f"person-{'ann' * 20}-0a1b2c.pdf"
    document = Document(file, "0" * 64, "person", "005A", "en", "A4", name)
    made = cover(
        [document],
        {file: SAID},
        month_end(MONTH, f"{name} Ltd", "en"),
        "en",
        links={},
        is_demo=False,
        revisions={},
    )
    return Letter(
        to,
        name,
        (),
        made.subject,
        made.text,
        made.html,
        "<1.2026-04@acme.example>",
        "Month end <month-end.acme.example>",
        NOW,
        (Attached(file, b"%PDF-1"), Attached("отчёт.pdf", b"%PDF-22")),
    )


def read(content: bytes) -> dict[str, Any]:
    if shutil.which("node") is None or not PARSER.exists():
        pytest.skip("postal-mime is not installed: make clients")
    done = subprocess.run(
        ["node", "read_mail.mjs"],
        input=content,
        capture_output=True,
        check=True,
        timeout=60,
        cwd=CLIENTS,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("Ann Odum", "ann@acme.example"),
        ("Ольга Петрова", "ann@acme.example"),
        ('Ann, "the" <evil@evil.example>', "ann@acme.example"),
        ("A" * 900, "ann@acme.example"),
        ("北京 " * 200, "ann@acme.example"),
        ("Ann\r\nBcc: evil@evil.example", "ann@acme.example"),
        ("Jörg", "jörg@acme.example"),
    ],
)
def test_another_parser_reads_the_same(name: str, to: str) -> None:
    sent = letter(name, to)
    policy = SMTP if to.isascii() else SMTPUTF8
    content = message_of(sent, "Onpace <reports@acme.example>").as_bytes(policy=policy)
    assert max(map(len, content.split(b"\r\n"))) <= LONGEST_LINE
    mail = read(content)
    assert [each["address"] for each in mail["to"]] == [to]
    assert mail["from"] == {"address": "reports@acme.example", "name": "Onpace"}
    assert mail["messageId"] == sent.message_id
    assert mail["date"].startswith(f"{NOW:%Y-%m-%dT%H:%M}")
    assert [(each["name"], each["size"]) for each in mail["attached"]] == [
        (each.name, len(each.content)) for each in sent.attached
    ]
    # A subject is cut where it is long, and blanks between encoded words are no blanks (RFC 2047).
    subject = "".join(mail["subject"].split())
    assert len(subject) > 20
    assert "".join(sent.subject.split()).startswith(subject)
    assert mail["text"].split() == sent.text.split()
    assert not {"bcc", "cc"} & set(mail["headers"])


# The contrast of each text with what it stands on, by WCAG 2.2's relative luminance.
CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number)
  const light = colour => parts(colour).slice(0, 3).map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, n) => sum + each * [0.2126, 0.7152, 0.0722][n], 0)
  const clear = colour => parts(colour).length > 3 && parts(colour)[3] === 0
  const ground = part => {
    for (let each = part; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor
      if (!clear(colour)) return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const found = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    if (!texts.currentNode.textContent.trim()) continue
    const part = texts.currentNode.parentElement
    const [high, low] = [light(getComputedStyle(part).color), light(ground(part))].sort((a, b) => b - a)
    found.push([texts.currentNode.textContent.trim(), (high + 0.05) / (low + 0.05)])
  }
  return found
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read_by_day_and_by_night(scheme: Literal["light", "dark"]) -> None:
    if (program := executable()) is None:
        pytest.skip("there is no Chromium on this machine")
    document = Document("a.pdf", "0" * 64, "person", "005A", "en", "A4", "Ann")
    mail = cover(
        [document],
        {"a.pdf": SAID},
        month_end(MONTH, "Acme", "en"),
        "en",
        links={"a.pdf": "https://packs.acme.example/a"},
        is_demo=True,
        revisions={"a.pdf": 2},
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env=dict(with_fonts_of_the_machine())
        )
        page = browser.new_page(viewport={"width": 360, "height": 700}, color_scheme=scheme)
        page.set_content(mail.html)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        found: list[tuple[str, float]] = page.evaluate(CONTRASTS)
        browser.close()
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert len(found) > 12
    assert [(words, ratio) for words, ratio in found if ratio < READABLE] == []


@pytest.mark.parametrize("width", [360, 900])
def test_a_browser_shows_the_words_and_loads_nothing(width: int) -> None:
    if (program := executable()) is None:
        pytest.skip("there is no Chromium on this machine")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env=dict(with_fonts_of_the_machine())
        )
        page = browser.new_page(viewport={"width": width, "height": 700})
        page.on("request", lambda request: asked.append(request.url))
        for name in ("Ann Odum", *HOSTILE):
            page.set_content(letter(name).html)
            shown = page.inner_text("body")
            assert "Year to date" in shown
            assert "€40k" in shown
            widest = page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, name
            assert not page.query_selector("script, iframe, object, form, link[rel=stylesheet]")
        browser.close()
    assert [url for url in asked if not re.match(r"about:|data:", url)] == []
