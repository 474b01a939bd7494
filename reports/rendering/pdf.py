"""HTML and PDF: templates, shipped fonts, a closed fetcher, and nothing else.

Put rendering of one document here; which documents are printed, and in parallel, is `publisher`.
This module is imported by worker processes, so it stays light.
"""

from __future__ import annotations

import atexit
import base64
import gc
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.charts.svg import clipped
from reports.document.theme import Logo, Theme
from reports.rendering.pdf_ua import VARIANT, mark_accessible
from reports.rendering.table_script import table_script
from reports.rendering.web_fonts import web_font_faces
from reports.text import formats
from sales.errors import UserError

if TYPE_CHECKING:
    from weasyprint.text.fonts import FontConfiguration

    from reports.document.document import MonthEndReport

TEMPLATES = Path(__file__).parents[1] / "templates"
BASE = "https://assets.invalid/"
TOKEN = re.compile(r"--([a-z0-9-]+): ([^;]+);")
USE = re.compile(r"var\(--([a-z0-9-]+)\)")
# A document with fewer sections is read without a table of contents.
FEW_SECTIONS = 10
RUNNING_WIDTH = 200.0  # points of a text in the head or foot of a page
# No honest pack comes near these; a hostile or broken one must not stop the others.
MOST_PAGES = 120
MOST_SECONDS = 180
REMINDER = 0.5  # seconds


class UnprintableDocument(UserError, RuntimeError):
    """A document could not be printed as it must be."""


@dataclass(frozen=True)
class AttachedFile:
    """A file inside a PDF."""

    name: str
    description: str
    content: bytes


@dataclass(frozen=True)
class RenderJob:
    """A page with all that decides about its PDF; `created` is stated in the file."""

    html: str
    theme: Theme
    created: datetime
    identifier: str = ""
    attached: tuple[AttachedFile, ...] = ()


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the one template environment: everything escaped, nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
    )
    made.filters["short"] = _short
    return made


def _short(text: str) -> str:
    """Return a text that fits into the head or foot of a page, however its words are written."""
    return clipped(text, RUNNING_WIDTH, 8)


def html_of(report: MonthEndReport) -> str:
    """Return a report's HTML for print."""
    return environment().get_template("pack.html").render(**_values(report))


def browser_html_of(report: MonthEndReport) -> str:
    """Return a report as one file for a browser: nothing is loaded, and no script is needed to read it."""
    screen = (TEMPLATES / "screen.css").read_text(encoding="utf-8")
    style = "\n".join((web_font_faces(), stylesheet(report.theme), screen))
    logo = report.theme.logo
    has_lists = any(table.is_listing for each in report.sections for table in each.tables)
    address = (
        f"data:{logo.media_type};base64,{base64.b64encode(logo.content).decode()}" if logo else ""
    )
    return (
        environment()
        .get_template("browser.html")
        .render(
            **_values(report, on_screen=True),
            style=Markup(style),  # noqa: S704  # our own sheets
            logo=address,
            script=table_script() if has_lists else None,
        )
    )


def _values(report: MonthEndReport, *, on_screen: bool = False) -> dict[str, object]:
    pages = takewhile(lambda section: not section.part, report.sections[1:])
    appendix = (section for section in report.sections if section.part)
    contents = (*pages, *(replace(each, title=each.part) for each in appendix))
    return {
        "report": report,
        "contents": contents if len(report.sections) >= FEW_SECTIONS else (),
        "keys": {section.key for section in report.sections},
        "on_screen": on_screen,
    }


@lru_cache
def stylesheet(theme: Theme) -> str:
    """Return the style sheet's text with every token filled in."""
    text = (TEMPLATES / "print.css").read_text(encoding="utf-8")
    families = ", ".join(f'"{each}"' for each in (formats.TYPEFACE, *formats.OTHER_TYPEFACES))
    tokens = dict(TOKEN.findall(text)) | {
        "brand": theme.palette.brand,
        "second": theme.palette.second,
        "paper": theme.paper,
        "type": families,
    }
    return USE.sub(lambda use: tokens[use[1]], re.sub(r":root \{.*?\}", "", text, flags=re.DOTALL))


def pdf_of(job: RenderJob) -> bytes:
    """Return the PDF of a page, PDF/A-3a and PDF/UA-1.

    Raises `UnprintableDocument` on any warning, foreign address, or where it takes too many pages,
    too long or too much memory.
    """
    weasyprint = _weasyprint()
    from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415  # as below

    fetcher = _fetcher(job.theme.logo)
    fonts, *sheets = _styles(job.theme, formats.needs_other_fonts(job.html))
    attachments = [
        weasyprint.Attachment(
            string=each.content,
            name=each.name,
            description=each.description,
            created=job.created,
            modified=job.created,
            relationship="Source",
        )
        for each in job.attached
    ]
    content, cache = None, dict[object, object]()
    with _Warnings() as said:
        try:
            with _at_most(MOST_SECONDS):
                page = _page_of(job.html, fetcher)
                document = page.render(
                    font_config=fonts,
                    stylesheets=sheets,
                    pdf_variant=VARIANT,
                    pdf_tags=True,
                    cache=cache,
                )
                if len(document.pages) > MOST_PAGES:
                    raise UnprintableDocument(
                        f"it would have {len(document.pages)} pages, and {MOST_PAGES} are the limit"
                    )
                document.metadata.attachments = attachments
                content = document.write_pdf(
                    pdf_variant=VARIANT,
                    pdf_tags=True,
                    pdf_identifier=job.identifier.encode(),
                    cache=cache,
                    finisher=mark_accessible,
                )
        except FatalURLFetchingError:
            content = None
        except ET.ParseError as broken:
            raise UnprintableDocument(f"a page is not well-formed ({broken})") from None
        except (RecursionError, MemoryError) as deep:
            raise UnprintableDocument(f"it takes too much memory ({type(deep).__name__})") from None
    _go_on_stopping(said.stopped_by)
    if fetcher.denied:
        raise UnprintableDocument(
            f"a page asked for {fetcher.denied[0][:80]!r}, which is not part of the report; nothing was printed"
        )
    if said.texts:
        raise UnprintableDocument(f"a page could not be set as written: {said.texts[0][:160]}")
    assert content is not None  # noqa: S101  # no target was given, and nothing was denied
    return content


def png_of(pdf: bytes, width: int = 1000) -> bytes:
    """Return the first page as a picture, so many pixels wide."""
    import io  # noqa: PLC0415  # as below

    import pypdfium2  # noqa: PLC0415  # only company and team packs need it
    from PIL import Image  # noqa: PLC0415  # as above

    with pypdfium2.PdfDocument(pdf) as document:
        page: Any = document[0]
        # Few colours, found fast: the best palette takes longer than the page.
        picture = (
            page.render(scale=width / page.get_width())
            .to_pil()
            .convert("RGB")
            .quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        )
        out = io.BytesIO()
        picture.save(out, "PNG")
    return out.getvalue()


def _page_of(html: str, fetcher: Any) -> Any:  # noqa: ANN401  # classes that exist only once WeasyPrint is imported
    """Return a page as WeasyPrint's own constructor would, read by an XML parser in a tenth of the time: the templates are well-formed."""
    from cssselect2 import ElementWrapper  # noqa: PLC0415  # as below

    class WellFormed(_weasyprint().HTML):
        def __init__(self) -> None:
            self.base_url, self.url_fetcher, self.media_type = BASE, fetcher, "print"
            root = ET.fromstring(html)  # noqa: S314  # every text in it is escaped, and it declares no entities
            wrapper: Any = ElementWrapper
            self.wrapper_element = wrapper.from_html_root(root, content_language=None)
            self.etree_element = self.wrapper_element.etree_element

    return WellFormed()


def _weasyprint() -> Any:  # noqa: ANN401  # a module
    # Fontconfig reads this once: no font of the machine may be picked.
    os.environ["FONTCONFIG_FILE"] = str(TEMPLATES / "fonts.conf")
    with warnings.catch_warnings():
        # That the machine offers no font is what we want.
        warnings.filterwarnings("ignore", "No fonts configured", UserWarning)
        import weasyprint  # noqa: PLC0415  # a second of import that only printing needs
    return weasyprint


@lru_cache(maxsize=16)
def _styles(theme: Theme, needs_others: bool) -> tuple[FontConfiguration, Any, Any]:  # noqa: FBT001  # a key of the cache
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415  # as above

    fonts = FontConfiguration()
    made = [
        weasyprint.CSS(string=text, font_config=fonts, base_url=BASE, url_fetcher=_fetcher(None))
        for text in (font_faces(needs_others=needs_others), stylesheet(theme))
    ]
    return fonts, made[0], made[1]


def font_faces(*, needs_others: bool) -> str:
    """Return the rules that load the shipped typefaces."""
    faces = [(formats.TYPEFACE, weight, name) for weight, name in formats.WEIGHTS.items()]
    if needs_others:
        faces += [(family, 400, name) for family, name in formats.OTHER_TYPEFACES.items()]
    return "".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("fonts/{name}"); }}\n'
        for family, weight, name in faces
    )


@contextmanager
def _at_most(seconds: float) -> Generator[None]:
    """Stop what takes more CPU time; only the main thread of a process can be stopped, and documents are printed there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise UnprintableDocument(f"it takes more than {seconds:g} s")

    former = signal.signal(signal.SIGPROF, stop)
    # Raised inside a callback of the collector or of a C library it would be lost: it comes again
    # until it is heard.
    signal.setitimer(signal.ITIMER_PROF, seconds, REMINDER)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)


@contextmanager
def no_garbage_collection() -> Generator[None]:
    """Keep the collector from walking a document's boxes again and again: a quarter of all CPU.

    A collection runs after the documents, so that memory does not grow with their number; it looks
    at what came since, and not at all that the program holds.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def forget_fonts() -> None:
    """Let go of the fonts while the library that frees them is still there."""
    _styles.cache_clear()


atexit.register(forget_fonts)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Path]:
    return {
        urljoin(BASE, f"fonts/{path.name}"): path for path in sorted(formats.FONTS.glob("*.ttf"))
    }


def _fetcher(logo: Logo | None) -> Any:  # noqa: ANN401  # the class exists only once WeasyPrint is imported
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse  # noqa: PLC0415  # as above

    class ClosedFetcher(URLFetcher):
        """Serves the report's own fonts and logo; there is no handler for files or the network."""

        def __init__(self) -> None:
            # The parent's constructor would install handlers for http and file.
            self.denied: list[str] = []

        def fetch(self, url: str, headers: object = None) -> Any:  # noqa: ANN401, ARG002
            if logo and url == urljoin(BASE, logo.name):
                return URLFetcherResponse(
                    url, logo.content, headers={"Content-Type": logo.media_type}
                )
            if url in _shipped():
                return URLFetcherResponse(
                    url, _shipped()[url].read_bytes(), headers={"Content-Type": "font/ttf"}
                )
            self.denied.append(url)
            raise FatalURLFetchingError(f"{url[:80]} is not part of the report")

        def __call__(self, url: str) -> Any:  # noqa: ANN401
            return self.fetch(url)

    return ClosedFetcher()


def _go_on_stopping(stopped_by: BaseException | None) -> None:
    """Stop where the process was told to, though what it was in went on."""
    if isinstance(stopped_by, MemoryError):
        raise UnprintableDocument("it takes too much memory (MemoryError)")
    if stopped_by is not None:
        raise stopped_by


class _Warnings(logging.Handler):
    """Collects what WeasyPrint says it could not do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self.stopped_by: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is said; an interruption that WeasyPrint took for a fault of the page is kept as what it is."""
        from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415  # it is loaded by now

        fault = sys.exc_info()[1]
        if isinstance(fault, MemoryError) or not isinstance(
            fault, Exception | FatalURLFetchingError | None
        ):
            self.stopped_by = fault
        self.texts.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("weasyprint").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("weasyprint").removeHandler(self)
