"""A published April, made once a module: tests work on copies."""

from pathlib import Path

import pytest

from tests.publication.april import publish_april


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which April is published, and its policy."""
    folder = tmp_path_factory.mktemp("published")
    publish_april(folder)
    return folder
