"""Dagster's webserver behind our guard, with its own options: `python -m app.server.webserver -w workspace.yaml -p 3000`."""

from __future__ import annotations

import sys
from typing import Any

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context as create

from app.server.guard import OWN_NAMES, Guard
from orchestration import settings
from sales.errors import UserError


def main() -> None:
    """Serve the UI until the process is told to stop."""
    try:
        named = [*settings.hosts_of("ONPACE_UI_URL"), *settings.hosts_of("ONPACE_UI_NAMES")]
    except UserError as fault:
        sys.exit(f"onpace: {fault}")
    names = [*OWN_NAMES, *named]
    token = settings.value_of("ONPACE_UI_TOKEN")

    def guarded(*given: Any, **named_ones: Any) -> Guard:  # noqa: ANN401  # Dagster's own
        return Guard(create(*given, **named_ones), names, token)

    # The program offers no place for a middleware; this is the one function that makes its application.
    setattr(cli, create.__name__, guarded)
    cli.main()


if __name__ == "__main__":
    main()
