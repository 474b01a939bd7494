"""How many examples the laws are tried on, and that arithmetic which has no answer is a fault, as it is in a run."""

import os

import numpy as np
from hypothesis import settings

settings.register_profile("quick", max_examples=8, deadline=None)
if os.environ.get("ONPACE_TESTS") == "quick":
    settings.load_profile("quick")

np.seterr(divide="raise", invalid="raise", over="raise")
