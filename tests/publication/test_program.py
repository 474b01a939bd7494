"""A table is computed again when the code that computes it says something else, and for nothing less."""

from pathlib import Path

import pytest

from publication import program
from publication.fingerprints import program_of
from publication.program import table_digest
from sales.contracts.registry import TABLES


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small program: `sales.total` imports `sales.rounding`; `sales.chart` imports `sales.total`."""
    (tmp_path / "sales").mkdir()
    for name, text in {
        "__init__": "",
        "rounding": "DIGITS = 2\n",
        "total": '"""Sums."""\nfrom sales.rounding import (\n    DIGITS,\n)\n\n\ndef total(x):\n    return round(sum(x), DIGITS)\n\n\nclass Sum:\n    START = 0\n',
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


ROOTS = {
    "sales.targets.quotas": {"phased_targets", "phasing_check", "data_quality"},
    "sales.history.snapshot": {"opportunity_snapshot", "phased_targets", "pipeline_movement"},
    "publication.month_inputs": {"opportunity_snapshot", "landing_forecast"},
    "publication.forecast_sources": {"phased_targets", "landing_forecast"},
    "sales.checks.invariants": {"pipeline_movement", "target_attainment"},
}


@pytest.mark.parametrize("module", ROOTS)
def test_all_that_decides_about_a_table_moves_its_digest(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a table that was made by a mended module would stand for ever."""
    for cached in (program.table_digest, program._code):
        cached.cache_clear()
    before = {name: program_of(table) for name, table in TABLES.items()}
    source = program._source
    monkeypatch.setattr(
        program, "_source", lambda name: source(name) + ("\nMORE = 1\n" if name == module else "")
    )
    for cached in (program.table_digest, program._code):
        cached.cache_clear()
    moved = {name for name, table in TABLES.items() if program_of(table) != before[name]}
    for cached in (program.table_digest, program._code):
        cached.cache_clear()
    assert moved >= ROOTS[module]


def test_charts_and_sections_move_no_table() -> None:
    for table in TABLES.values():
        closure = program._closure((table.module, f"assets.{table.group}"))
        assert not [module for module in closure if module.startswith("reports")]


@pytest.mark.parametrize(
    "module", ["sales.restatement.restatement", "publication.publish", "publication.readers"]
)
def test_what_decides_about_documents_moves_theirs(module: str) -> None:
    assert module in program._closure(("assets.report", "publication.delivery"))
