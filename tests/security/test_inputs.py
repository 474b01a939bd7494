"""A short round of hostile inputs; the long one is `make security`."""

import pytest
from hypothesis import given

from tests.examples import examples
from tests.security.inputs import WAYS_IN


@pytest.mark.parametrize("name", WAYS_IN)
def test_what_comes_is_read_or_refused_in_a_sentence(name: str) -> None:
    way = WAYS_IN[name]
    examples(200)(given(way.comes)(way.try_one))()
