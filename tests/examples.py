"""How many examples a law with a number of its own is tried on."""

import os

from hypothesis import HealthCheck, settings

QUICK = os.environ.get("ONPACE_TESTS") == "quick"


def examples(count: int) -> settings:
    """The settings of a law that is tried on ``count`` examples, an eighth of them when quick.

    An example of such a law is a firm and takes what it takes, so none is too slow or too large.
    """
    return settings(
        max_examples=max(4, count // 8) if QUICK else count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
