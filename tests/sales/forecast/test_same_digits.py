"""The same figures, to the last digit, however many processors share the work and of whichever kind."""

import os
import subprocess
import sys

import pytest

COMPUTE = """
import hashlib
from tests.sales.firms import firm_month
one = firm_month()
text = "".join(table.to_csv() for table in (one.chances, one.coverage, one.landing, one.closing))
print(hashlib.sha256(text.encode()).hexdigest())
"""


def digest_of(**settings: str) -> str:
    environment = {**os.environ, **settings}
    found = subprocess.run(
        [sys.executable, "-c", COMPUTE], capture_output=True, text=True, env=environment, check=True
    )
    return found.stdout.strip()


@pytest.fixture(scope="module")
def with_two() -> str:
    return digest_of(OPENBLAS_NUM_THREADS="2")


@pytest.mark.parametrize(
    "settings",
    [
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"},
        {"OPENBLAS_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Haswell"},
    ],
)
def test_a_month_has_the_same_digits(settings: dict[str, str], with_two: str) -> None:
    assert digest_of(**settings) == with_two
