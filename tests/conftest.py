"""How tests are shared among workers: those of a class share a fixture that takes long, so they stay on one worker."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByClass(LoadScopeScheduling):
    """Sends tests one by one, and those of a class together."""

    def _split_scope(self, nodeid: str) -> str:
        parts = nodeid.split("[", maxsplit=1)[0].split("::")
        return "::".join(parts[:2]) if len(parts) > 2 else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByClass:
    """Share tests by class."""
    return ByClass(config, log)  # type: ignore[arg-type]
