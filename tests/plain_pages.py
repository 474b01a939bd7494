"""Documents without the cost of setting them: for tests of what happens around pages, not of pages.

What a test prints so has a digest as its content: it differs where the page, its tables or its look do.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from reports import publisher
from reports.rendering import pool
from reports.rendering.pdf import RenderJob
from reports.rendering.pool import Printed

SIZE = 400  # times 64 bytes: about what a small document has


def _printed(job: RenderJob, *, is_pictured: bool) -> Printed:
    whole = hashlib.sha256(repr((job.html, job.identifier, job.attached)).encode()).hexdigest()
    picture = b"\x89PNG" + whole.encode() if is_pictured else b""
    return Printed(b"%PDF-1.7\n" + whole.encode() * SIZE + b"\n%%EOF\n", picture)


@contextmanager
def plain_pages() -> Iterator[None]:
    """Print digests while a block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "print_one", _printed)
        patch.setattr(
            publisher, "document_workbook", lambda report: repr(sorted(report.attachments)).encode()
        )
        yield
