"""Dagster assets: bodies of ten lines around the functional core; a module is a group."""
