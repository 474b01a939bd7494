"""What is said where the system's libraries are missing."""

import importlib

import pytest

from reports.rendering.libraries import CannotPrint, refuse_without_pango


def test_a_machine_with_pango_prints() -> None:
    refuse_without_pango()


def test_a_machine_without_pango_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError(f"cannot load library 'libpango-1.0-0' for {name}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(CannotPrint, match=r"libpango-1.0-0'.*install libpango-1.0-0, libpangoft2"):
        refuse_without_pango()
