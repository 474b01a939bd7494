"""Assets are tried without setting pages, and look back on a few forecasts only: what either is like is tried in `tests/reports` and `tests/sales`."""

from collections.abc import Iterator

import pytest

from sales.forecast import backtest
from tests.plain_pages import plain_pages


@pytest.fixture(autouse=True, scope="module")
def _plain_pages() -> Iterator[None]:
    with plain_pages(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest, "JUDGED", ((float("inf"), 6),))
        yield
