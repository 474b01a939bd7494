"""Dagster's assets, one module a group: what is computed, stored and shown; how runs are wired is `orchestration`."""

import warnings

import dagster as dg

# Checks of a month and references to code are used on purpose: told at each import, for each asset,
# it would hide what matters in a log.
for _kind in (dg.PreviewWarning, dg.BetaWarning):
    warnings.filterwarnings("ignore", category=_kind)
