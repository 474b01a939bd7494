"""The one name under which Onpace is installed, and its command.

Put nothing here but the way in. In a checkout the rooms (`sales`, `reports`, `app` ...) lie beside
this package; a wheel carries them inside it, so that they never meet other people's packages.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    here = Path(__file__).resolve().parent
    root = here if (here / "sales").is_dir() else here.parent
    sys.path.insert(0, str(root))
    # Processes that Dagster starts look for the rooms at the same place.
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *([known] if known else [])])
    from app.cli.app import main as run  # noqa: PLC0415  # only now can it be found

    run()
