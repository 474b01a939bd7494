"""How many examples the laws are tried on, and that arithmetic which has no answer is a fault, as it is in a run."""

import numpy as np
from hypothesis import settings

from tests.examples import QUICK

settings.register_profile("quick", max_examples=8, deadline=None)
if QUICK:
    settings.load_profile("quick")

np.seterr(divide="raise", invalid="raise", over="raise")
