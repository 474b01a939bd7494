import hashlib
import io
from dataclasses import replace

import pikepdf
import pypdf
import pytest

from reports import render
from reports.month_end import month_end_reports
from reports.render import UnprintableDocument
from tests.reports.months import HOSTILE, tables_of


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


@pytest.fixture(scope="module")
def company_pdf() -> bytes:
    return render.pdf_of(render.html_of(month_end_reports(*tables_of())[0]))


def test_the_numbers_can_be_read_back_from_the_pdf(company_pdf: bytes) -> None:
    text = text_of(company_pdf)
    for words in ("Acme: sales at month end", "€40k", "67%", "Why the pipeline changed", "Is there enough in the pipeline", "as of 30 Apr 2026"):
        assert words in text


def test_the_pdf_is_tagged_titled_and_carries_its_fonts(company_pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(company_pdf)) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "en"
        assert "/StructTreeRoot" in pdf.Root
        assert str(pdf.docinfo["/Title"]) == "Acme: sales at month end: April 2026"
        fonts = [font for page in pdf.pages for font in page.resources.get("/Font", {}).values()]
        names = {str(font.BaseFont) for font in fonts}
        assert {name.split("+")[1] for name in names} == {"Onpace-Sans", "Onpace-Sans-Semi-Bold"}
        embedded = [font.DescendantFonts[0].FontDescriptor if "/DescendantFonts" in font else font.FontDescriptor for font in fonts]
        assert all(any(key.startswith("/FontFile") for key in descriptor) for descriptor in embedded)


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_paper_is_a4_or_letter(paper: str, size: tuple[int, int]) -> None:
    person = replace(month_end_reports(*tables_of())[-1], paper=paper)
    page = pypdf.PdfReader(io.BytesIO(render.pdf_of(render.html_of(person)))).pages[0]
    assert (round(page.mediabox.width), round(page.mediabox.height)) == size


def test_hostile_names_are_printed_as_text_and_ask_for_nothing() -> None:
    """A fetch or a warning would have stopped the render."""
    reports = month_end_reports(*tables_of())
    html = render.html_of(reports[0])
    assert "<script>" not in html
    assert "<img" not in html
    text = "".join(text_of(render.pdf_of(html)).split())
    for name in HOSTILE[:3]:
        assert "".join(name.split())[:12] in text


@pytest.mark.parametrize(
    "address",
    ["http://example.invalid/a.png", "file:///etc/passwd", "fonts/../../../etc/passwd", "data:image/svg+xml,x", "https://assets.invalid/other"],
)
def test_a_foreign_address_stops_the_render(address: str) -> None:
    with pytest.raises(UnprintableDocument):
        render.pdf_of(f'<html lang="en"><title>t</title><h1>t</h1><img alt="a" src="{address}">')


def test_a_warning_is_a_failed_render() -> None:
    with pytest.raises(UnprintableDocument, match="could not be set as written"):
        render.pdf_of('<html lang="en"><title>t</title><style>p { colr: red }</style><h1>t</h1><p>a')


def test_a_logo_is_the_only_picture() -> None:
    logo = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><title>Acme</title><rect width="10" height="10" fill="#123456"/></svg>'
    report = replace(month_end_reports(*tables_of())[-1], logo=render.LOGO)
    assert render.pdf_of(render.html_of(report), logo).startswith(b"%PDF")
    spying = logo.replace(b"<rect", b'<image href="http://example.invalid/x.png" width="5" height="5"/><rect')
    with pytest.raises(UnprintableDocument):
        render.pdf_of(render.html_of(report), spying)


def test_the_same_page_gives_the_same_bytes() -> None:
    html = render.html_of(month_end_reports(*tables_of())[-1])
    first, again = (hashlib.sha256(render.pdf_of(html, None, "2026-04 a.pdf")).hexdigest() for _ in range(2))
    assert first == again
