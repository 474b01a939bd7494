"""Distributions, outcomes and dates learned from the past. What they mean for a target is `forecast`."""
