"""A table is computed again when the code that computes it says something else, and for nothing less."""

from pathlib import Path

import pytest

from publication import program
from publication.program import table_digest


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small program: `sales.total` imports `sales.rounding`; `sales.chart` imports `sales.total`."""
    (tmp_path / "sales").mkdir()
    for name, text in {
        "__init__": "",
        "rounding": "DIGITS = 2\n",
        "total": '"""Sums."""\nfrom sales.rounding import (\n    DIGITS,\n)\n\n\ndef total(x):\n    return round(sum(x), DIGITS)\n',
        "chart": "from sales import total\n",
    }.items():
        (tmp_path / "sales" / f"{name}.py").write_text(text)
    monkeypatch.setattr(program, "_root", lambda: tmp_path)
    return tmp_path


def digest(*modules: str) -> str:
    """Return a digest as another process would."""
    for cached in (program.table_digest, program._imports, program._code, program._is_module):
        cached.cache_clear()
    return table_digest(*modules)


def edit(root: Path, name: str, before: str, after: str) -> None:
    path = root / "sales" / f"{name}.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_what_a_module_imports_counts(root: Path) -> None:
    before = digest("sales.total")
    edit(root, "rounding", "2", "3")
    assert digest("sales.total") != before


def test_a_module_that_is_imported_by_name_counts(root: Path) -> None:
    before = digest("sales.chart")
    edit(root, "total", "sum(x)", "sum(x) * 2")
    assert digest("sales.chart") != before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Sums."""', '"""Totals, to the cent."""'),
        ("def total", "# The sum of a month.\n\n\ndef total"),
        ("    return", '    """Return the sum."""\n    return'),
    ],
)
def test_comments_docstrings_and_lines_do_not(root: Path, before: str, after: str) -> None:
    first = digest("sales.total")
    edit(root, "total", before, after)
    assert digest("sales.total") == first


def test_what_only_draws_it_does_not(root: Path) -> None:
    first = digest("sales.total")
    edit(root, "chart", "total", "total, rounding")
    assert digest("sales.total") == first
