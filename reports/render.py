"""HTML and PDF: templates, shipped fonts, a closed fetcher, and nothing else.

Put rendering of one document here; which documents are printed, and in parallel, is `press`.
This module is imported by worker processes, so it stays light.
"""

from __future__ import annotations

import atexit
import gc
import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import formats
from sales.fault import Fault

if TYPE_CHECKING:
    from weasyprint.text.fonts import FontConfiguration

    from reports.document import MonthEndReport

TEMPLATES = Path(__file__).parent / "templates"
BASE = "https://assets.invalid/"
LOGO = "brand/logo"


class UnprintableDocument(Fault, RuntimeError):
    """A document could not be printed as it must be."""


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the one template environment: everything escaped, nothing undefined."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    made.filters |= {"day": formats.day, "month_name": formats.month_name}
    return made


def html_of(report: MonthEndReport) -> str:
    """Return a report's HTML."""
    return environment().get_template("pack.html").render(report=report)


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Return the style sheet's text."""
    return (TEMPLATES / "print.css").read_text(encoding="utf-8")


def pdf_of(html: str, logo: bytes | None = None, identifier: str = "") -> bytes:
    """Return the PDF of a page; raises `UnprintableDocument` on any warning or foreign address."""
    from weasyprint import HTML  # noqa: PLC0415  # a second of import that only printing needs
    from weasyprint.urls import FatalURLFetchingError  # noqa: PLC0415

    fetcher = _fetcher(logo)
    fonts, css = _styles()
    with _Warnings() as warnings:
        try:
            document = HTML(string=html, base_url=BASE, url_fetcher=fetcher)
            content = document.write_pdf(
                font_config=fonts, stylesheets=[css], pdf_variant="pdf/ua-1", pdf_tags=True, cache={}, pdf_identifier=identifier.encode()
            )
        except FatalURLFetchingError:
            content = None
    if fetcher.denied:
        raise UnprintableDocument(f"a page asked for {fetcher.denied[0][:80]!r}, which is not part of the report; nothing was printed")
    if warnings.texts:
        raise UnprintableDocument(f"a page could not be set as written: {warnings.texts[0][:160]}")
    assert content is not None  # noqa: S101  # no target was given, and nothing was denied
    return content


@lru_cache(maxsize=1)
def _styles() -> tuple[FontConfiguration, Any]:
    from weasyprint import CSS  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    fonts = FontConfiguration()
    return fonts, CSS(string=stylesheet(), font_config=fonts, base_url=BASE, url_fetcher=_fetcher(None))


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keep the collector from walking a document's boxes again and again: a quarter of all CPU.

    A collection runs after the documents, so that memory does not grow with their number.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        gc.collect()


def forget_fonts() -> None:
    """Let go of the fonts while the library that frees them is still there."""
    _styles.cache_clear()


atexit.register(forget_fonts)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, bytes]:
    return {f"fonts/{path.name}": path.read_bytes() for path in sorted((TEMPLATES / "fonts").glob("*.ttf"))}


def _fetcher(logo: bytes | None) -> Any:  # noqa: ANN401  # the class exists only once WeasyPrint is imported
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse  # noqa: PLC0415

    files = _shipped() | ({LOGO: logo} if logo else {})

    class ClosedFetcher(URLFetcher):
        """Serves the report's own fonts and logo; there is no handler for files or the network."""

        def __init__(self) -> None:
            # The parent's constructor would install handlers for http and file.
            self.denied: list[str] = []

        def fetch(self, url: str, headers: object = None) -> Any:  # noqa: ANN401, ARG002
            for name, content in files.items():
                if url == urljoin(BASE, name):
                    kind = mimetypes.guess_type(name)[0] or ("image/svg+xml" if content.lstrip()[:1] == b"<" else "image/png")
                    return URLFetcherResponse(url, content, headers={"Content-Type": kind})
            self.denied.append(url)
            raise FatalURLFetchingError(f"{url[:80]} is not part of the report")

        def __call__(self, url: str) -> Any:  # noqa: ANN401
            return self.fetch(url)

    return ClosedFetcher()


class _Warnings(logging.Handler):
    """Collects what WeasyPrint says it could not do."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger("weasyprint").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("weasyprint").removeHandler(self)
