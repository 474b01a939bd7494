import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pikepdf
import pypdf
import pytest

from reports.document.document import PLAIN
from reports.document.theme import Logo, Theme
from reports.rendering import pdf as render
from reports.rendering.pdf import AttachedFile, UnprintableDocument
from reports.sections import deals
from tests.reports.months import HOSTILE, page, render_job_of, reports_of
from tests.reports.rendering.verapdf import violations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HEAD = '<html lang="en"><head><title>t</title>{style}</head><body><h1>t</h1>'
BARE = HEAD.replace("{style}", "")
END = "</body></html>"
FOREIGN = (
    "שלום (12)",
    "Alon שלום 12",
    "شركة النور للتجارة",
    "北京科技有限公司",
    "株式会社",
    "한국전력공사",
    "บริษัท",
    "W" * 120,
    "9" * 40,
)


def text_of(pdf: bytes) -> str:
    return "\n".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture(scope="module")
def company_pdf() -> bytes:
    return render.pdf_of(render_job_of(reports_of(records_at="https://acme.my.salesforce.com")[0]))


def test_the_numbers_can_be_read_back_from_the_pdf(company_pdf: bytes) -> None:
    text = text_of(company_pdf)
    for words in (
        "Acme: sales at month end",
        "€40k",
        "67%",
        "Why the pipeline changed",
        "Is there enough in the pipeline",
        "as of 30 Apr 2026",
        "What must happen next",
    ):
        assert words in text


def test_the_pdf_is_tagged_titled_and_carries_its_fonts(company_pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(company_pdf)) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "en"
        assert "/StructTreeRoot" in pdf.Root
        assert str(pdf.docinfo["/Title"]) == "Acme: sales at month end: April 2026"
        fonts = [font for each in pdf.pages for font in each.resources.get("/Font", {}).values()]
        names = {str(font.BaseFont).split("+")[1] for font in fonts}
        assert {"Onpace-Sans", "Onpace-Sans-Semi-Bold"} <= names
        assert all(name.startswith("Onpace-") for name in names)
        embedded = [
            font.DescendantFonts[0].FontDescriptor
            if "/DescendantFonts" in font
            else font.FontDescriptor
            for font in fonts
        ]
        assert all(
            any(key.startswith("/FontFile") for key in descriptor) for descriptor in embedded
        )


def structure(pdf: pikepdf.Pdf) -> list[pikepdf.Dictionary]:
    """Every element of the structure tree, in reading order."""
    found: list[pikepdf.Dictionary] = []

    def walk(node: object) -> None:
        if isinstance(node, pikepdf.Array):
            for each in node:
                walk(each)
        elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
            found.append(node)
            if "/K" in node:
                walk(node.K)

    walk(pdf.Root.StructTreeRoot.K)
    return found


def test_headings_are_in_order_heads_have_scopes_and_figures_say_what_they_show(
    company_pdf: bytes,
) -> None:
    with pikepdf.open(io.BytesIO(company_pdf)) as pdf:
        elements = structure(pdf)
        levels = [
            int(str(each.S)[2:]) for each in elements if re.fullmatch(r"/H[1-6]", str(each.S))
        ]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        kinds = Counter(str(each.S) for each in elements)
        assert kinds["/TH"] > 30
        scopes = Counter(
            str(each.A.Scope)
            for each in elements
            if str(each.S) == "/TH" and "/A" in each and "/Scope" in each.A
        )
        assert scopes["/Column"] > 20
        assert scopes["/Row"] > 20
        figures = [each for each in elements if str(each.S) == "/Figure"]
        assert len(figures) >= 6
        assert all(str(each.Alt) for each in figures)


def test_the_company_pack_is_archivable_and_accessible(company_pdf: bytes) -> None:
    found = violations(company_pdf)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("code", ["en", "de"])
def test_every_kind_of_document_conforms_with_its_tables_in_it(code: str) -> None:
    for report in reports_of(
        17, f'[brand]\nlanguages = ["{code}"]\npaper = "Letter"', is_demo=True
    )[1::2]:
        table = AttachedFile("deals.csv", "Deals", b"a,b\n1,2\n")
        pdf = render.pdf_of(replace(render_job_of(report), attached=(table,)))
        found = violations(pdf)
        assert not found, "\n".join(found)
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert bytes(opened.attachments["deals.csv"].get_file().read_bytes()) == b"a,b\n1,2\n"
            assert str(opened.Root.AF[0].AFRelationship) == "/Source"
            assert len(opened.Root.AF) == 1


def test_names_of_every_script_are_drawn_and_conform(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.reports import months

    monkeypatch.setattr(months, "HOSTILE", FOREIGN)
    months.tables_of.cache_clear()
    pdf = render.pdf_of(render_job_of(reports_of()[0]))
    months.tables_of.cache_clear()
    found = violations(pdf)
    assert not found, "\n".join(found)
    text = text_of(pdf)
    for name in FOREIGN[3:7]:
        assert name in text
    assert "□" not in text


def test_a_file_that_does_not_conform_is_found_out() -> None:
    """The check must be able to fail."""
    assert any(
        "7.4.2" in each for each in violations(render.pdf_of(page(f"{BARE}<h3>too deep</h3>{END}")))
    )
    assert violations(b"no PDF")


def test_a_deals_name_leads_to_its_record_and_contents_to_their_sections(
    company_pdf: bytes,
) -> None:
    with pikepdf.open(io.BytesIO(company_pdf)) as pdf:
        links = [
            link
            for each in pdf.pages
            for link in each.get("/Annots", [])
            if str(link.Subtype) == "/Link"
        ]
        addresses = {str(link.A.URI) for link in links if "/A" in link and "/URI" in link.A}
        assert "https://acme.my.salesforce.com/006000000000017AAA" in addresses
        assert all(
            address.startswith("https://acme.my.salesforce.com/006") for address in addresses
        )
        inside = {str(link.Dest) for link in links if "/Dest" in link}
        assert {"coverage", "movement", "closing"} <= inside


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_paper_is_a4_or_letter(paper: str, size: tuple[int, int]) -> None:
    person = reports_of()[-1]
    first = pypdf.PdfReader(
        io.BytesIO(render.pdf_of(render_job_of(replace(person, theme=replace(PLAIN, paper=paper)))))
    ).pages[0]
    assert (round(first.mediabox.width), round(first.mediabox.height)) == size


def test_hostile_names_are_printed_as_text_and_ask_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fetch or a warning would have stopped the render."""
    monkeypatch.setattr(deals, "MOST_OF_GROUP", (len(HOSTILE), 8, 8))
    report = reports_of()[0]
    html = render.html_of(report)
    assert "<script>" not in html
    assert "<img" not in html
    text = "".join(text_of(render.pdf_of(render_job_of(report))).split())
    for name in (HOSTILE[0], *HOSTILE[4:7]):
        assert "".join(name.split())[:12] in text


@pytest.mark.parametrize(
    "address",
    [
        "http://example.invalid/a.png",
        "file:///etc/passwd",
        "fonts/../../../etc/passwd",
        "data:image/svg+xml,x",
        "https://assets.invalid/other",
        "//example.invalid/a",
    ],
)
def test_a_foreign_address_stops_the_render(address: str) -> None:
    with pytest.raises(UnprintableDocument):
        render.pdf_of(page(f'{BARE}<img alt="a" src="{address}"/>{END}'))
    with pytest.raises(UnprintableDocument):
        render.pdf_of(page(f'{BARE}<p style="background: url({address})">a</p>{END}'))


def test_a_page_that_is_not_well_formed_is_refused() -> None:
    """A text that escaped its cell would be found here, if nowhere else."""
    with pytest.raises(UnprintableDocument, match="is not well-formed"):
        render.pdf_of(page(f"{BARE}<p>a</td>{END}"))


def test_a_warning_is_a_failed_render() -> None:
    with pytest.raises(UnprintableDocument, match="could not be set as written"):
        render.pdf_of(page(HEAD.replace("{style}", "<style>p { colr: red }</style>") + END))


def test_a_logo_is_the_only_picture() -> None:
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><title>Acme</title><rect width="10" height="10" fill="#123456"/></svg>'
    report = replace(reports_of()[-1], theme=Theme(logo=Logo("brand/0123", drawing)))
    assert render.pdf_of(render_job_of(report)).startswith(b"%PDF")
    spying = drawing.replace(
        b"<rect", b'<image href="http://example.invalid/x.png" width="5" height="5"/><rect'
    )
    with pytest.raises(UnprintableDocument):
        render.pdf_of(render_job_of(replace(report, theme=Theme(logo=Logo("brand/0123", spying)))))


@pytest.mark.parametrize(
    "html",
    [
        f"{BARE}{'<div>' * 400}x{'</div>' * 400}{END}",
        BARE + '<p style="break-before: page">x</p>' * 300 + END,
    ],
    ids=["deep", "long"],
)
def test_a_document_beyond_the_limits_is_refused(html: str) -> None:
    with pytest.raises(UnprintableDocument, match="too much memory|pages, and 120 are the limit"):
        render.pdf_of(page(html))


def test_a_document_that_takes_too_long_is_stopped_and_the_next_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as hurried:
        hurried.setattr(render, "MOST_SECONDS", 0.05)
        with (
            render.no_garbage_collection(),
            pytest.raises(UnprintableDocument, match=r"it takes more than 0.05 s"),
        ):
            render.pdf_of(page(BARE + "<p>word</p>" * 3000 + END))
    assert render.pdf_of(page(BARE + END)).startswith(b"%PDF")


PRINT = """
import hashlib, sys
from tests.reports.months import render_job_of, reports_of
from reports.rendering import pdf as render
digests = [hashlib.sha256(render.pdf_of(render_job_of(each))).hexdigest() for each in reports_of(5)[::int(sys.argv[1])]]
print(" ".join(sorted(digests)))
"""


def test_the_same_pages_give_the_same_bytes_in_any_process_zone_and_order() -> None:
    here = " ".join(
        sorted(
            hashlib.sha256(render.pdf_of(render_job_of(each))).hexdigest() for each in reports_of(5)
        )
    )
    elsewhere = os.environ | {
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "LANG": "C",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-c", PRINT, "-1"],
        cwd=ROOT,
        env=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == here.split()


def test_every_token_of_the_style_sheet_is_filled_in() -> None:
    sheet = render.stylesheet(PLAIN)
    assert "var(" not in sheet
    assert ":root" not in sheet
    assert "size: A4" in sheet


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def test_the_browsers_page_loads_nothing_and_runs_its_own_script_only() -> None:
    logo = Logo("brand/0123", b"<svg/>")
    report = replace(reports_of(is_demo=True)[0], theme=Theme(logo=logo))
    html = render.browser_html_of(report)
    assert "default-src 'none'" in html
    tags = Tags(html)
    assert not {"link", "iframe", "object", "embed", "image"} & {tag for tag, _ in tags.found}
    assert [attrs for tag, attrs in tags.found if tag == "script"] == [[]]
    attributes = [(key, value) for _, attrs in tags.found for key, value in attrs]
    assert not [key for key, _ in attributes if key.startswith("on")]
    assert [value for key, value in attributes if key == "src"] == [
        "data:image/svg+xml;base64,PHN2Zy8+"
    ]
    assert all(
        (value or "").startswith("#") for key, value in attributes if key in {"href", "xlink:href"}
    )
    style = html[html.index("<style>") : html.index("</style>")]
    assert set(re.findall(r"url\(([^,]*)", style)) == {"data:font/woff2;base64"}
    assert "@import" not in style
    assert "demonstration data from the embedded org" in html
    assert 'name="viewport"' in html


def test_the_picture_shows_the_first_page(company_pdf: bytes) -> None:
    from PIL import Image

    picture = Image.open(io.BytesIO(render.png_of(company_pdf)))
    assert (picture.width, picture.format) == (1000, "PNG")
    assert len(picture.convert("L").getcolors() or []) > 20, "not an empty page"
