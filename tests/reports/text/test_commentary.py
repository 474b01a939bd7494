"""A manager's words as pages print them."""

from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from reports.month_end import Readers, month_end_reports
from reports.rendering import pdf as render
from reports.text.commentary import as_markup
from sales.policy.commentary import Commentary
from tests.reports.months import render_job_of, tables_of


def test_paragraphs_lists_and_emphasis_are_understood_and_nothing_else() -> None:
    text = "A **good** month.\n\n- *two* wins\n\n1. one\n\n# <b>no</b> [l](http://x) ![p](file:///etc/passwd)"
    assert str(as_markup(text)) == (
        "<p>A <strong>good</strong> month.</p>\n<ul>\n<li><em>two</em> wins</li>\n</ul>\n"
        "<ol>\n<li>one</li>\n</ol>\n<p># &lt;b&gt;no&lt;/b&gt; [l](http://x) ![p](file:///etc/passwd)</p>\n"
    )


@given(st.text(max_size=300))
def test_any_words_are_well_formed_and_ask_for_nothing(text: str) -> None:
    root = ET.fromstring(f"<body>{as_markup(text)}</body>")  # noqa: S314  # our own markup
    assert {each.tag for each in root.iter()} <= {
        "body",
        "p",
        "ul",
        "ol",
        "li",
        "em",
        "strong",
        "br",
    }


def test_words_stand_on_the_pack_they_are_written_for() -> None:
    tables, variant = tables_of(4)
    said = Commentary("Margaret <Hale>", date(2026, 5, 4), "We lost **two** & won one.")
    readers = Readers(commentary={None: said, "South": replace(said, text="South only.")})
    pages = {
        f"{each.kind} {each.grain_id}": render.html_of(each)
        for each in month_end_reports(tables, variant, readers)
    }
    assert "Margaret &lt;Hale&gt;, 4 May 2026" in pages["company Acme"]
    assert "We lost <strong>two</strong> &amp; won one." in pages["company Acme"]
    assert "South only." in pages["team South"]
    assert not any('class="words"' in pages[each] for each in ("team North", "person 005A"))
    company = next(month_end_reports(tables, variant, readers))
    assert render.pdf_of(render_job_of(company)).startswith(b"%PDF")
