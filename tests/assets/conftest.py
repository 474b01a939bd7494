"""Assets are tried without setting pages: what they look like is tried in `tests/reports`."""

from collections.abc import Iterator

import pytest

from tests.plain_pages import plain_pages


@pytest.fixture(autouse=True, scope="module")
def _plain_pages() -> Iterator[None]:
    with plain_pages():
        yield
