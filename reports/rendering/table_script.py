"""The script by which lists of deals are sorted and filtered in a browser: the only one that pages run.

Put here what lets a browser run it, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

SCRIPT = Path(__file__).parents[1] / "templates" / "tables.js"


@dataclass(frozen=True)
class Script:
    """A script and its digest as a Content-Security-Policy names it."""

    text: Markup
    digest: str


@cache
def table_script() -> Script:
    """Return the script of the templates."""
    text = SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"sha256-{digest}")  # noqa: S704  # our own
