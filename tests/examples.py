"""How many examples a law with a number of its own is tried on."""

import os

from hypothesis import HealthCheck, settings

HOW = os.environ.get("ONPACE_TESTS", "")
QUICK, THOROUGH = HOW == "quick", HOW == "thorough"


def examples(count: int) -> settings:
    """The settings of a law that is tried on `count` examples when thorough, usually on two fifths of them, on an eighth when quick.

    An example of such a law is a firm and takes what it takes, so none is too slow or too large.
    """
    return settings(
        max_examples=count if THOROUGH else max(4, count // 8 if QUICK else count * 2 // 5),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
