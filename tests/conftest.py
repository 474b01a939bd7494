"""How many examples the laws are tried on: all of them in `make test`, a few in `make unit`."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=8, deadline=None)
if os.environ.get("ONPACE_TESTS") == "quick":
    settings.load_profile("quick")
