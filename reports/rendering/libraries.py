"""The libraries of the system that draw text: Python's packages do not bring them along."""

from __future__ import annotations

import importlib

from sales.errors import UserError

PACKAGES = "libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0"


class CannotPrint(UserError, OSError):
    """A library of the system is missing, without which no document can be printed."""


def refuse_without_pango() -> None:
    """Raise `CannotPrint` where documents cannot be printed: before any work is done."""
    try:
        importlib.import_module("weasyprint")
    except OSError as fault:
        raise CannotPrint(
            f"no document can be printed here: Pango, which draws text, cannot be loaded ({str(fault)[:120]}); install {PACKAGES}, or what your system calls them"
        ) from None
