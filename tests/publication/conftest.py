"""A published April, made once a module: tests work on copies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plain_pages import plain_pages
from tests.publication.april import publish_april


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which April is published, and its policy."""
    folder = tmp_path_factory.mktemp("published")
    with plain_pages():
        publish_april(folder)
    return folder


@pytest.fixture(autouse=True, scope="module")
def _plain_pages() -> Iterator[None]:
    with plain_pages():
        yield
