"""Digests of the program: what decides about a number or a page besides the data.

A table's digest follows the modules that compute it and what they import; a comment, a docstring or
another room's code does not move it. A page's digest follows everything that is used in printing.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import cast

PACKAGES = ("sales", "connectors", "reports", "publication", "assets")
# Libraries that decide about a number, and those that decide about a page.
OF_NUMBERS = ("deltalake", "holidays", "numpy", "pandas", "pyarrow", "scipy", "tzdata")
OF_PAGES = (
    "arabic-reshaper",
    "babel",
    "fonttools",
    "jinja2",
    "pillow",
    "pypdfium2",
    "python-bidi",
    "weasyprint",
    "xlsxwriter",
)
IMPORT = re.compile(r"^ *from ([\w.]+) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
NAME = re.compile(r"\w+")
PAGE_FILES = {".html", ".css", ".po", ".conf", ".ttf"}


@lru_cache(maxsize=64)
def table_digest(*modules: str) -> str:
    """Return a digest of modules, of what they import, and of the libraries that decide about a number."""
    return _digest([*_versions(OF_NUMBERS), *(_code(each) for each in _closure(modules))])


@lru_cache(maxsize=1)
def page_digest() -> str:
    """Return a digest of everything that decides about a document: code, templates, texts, fonts, libraries."""
    closure = _closure(("assets.report", "publication.delivery"))
    folder = _path("reports").parent
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in PAGE_FILES)
    contents = (
        path.relative_to(folder).as_posix() + hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    )
    libraries = _versions((*OF_NUMBERS, *OF_PAGES))
    return _digest([*libraries, *(_code(each) for each in closure), *contents])


def _versions(libraries: tuple[str, ...]) -> list[str]:
    return [f"{name} {_version(name)}" for name in libraries]


@lru_cache(maxsize=64)
def _version(library: str) -> str:
    return version(library)  # a hundredth of a second each


def _closure(modules: tuple[str, ...]) -> list[str]:
    """Return modules of ours with all that they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return sorted(found)


@lru_cache(maxsize=512)
def _imports(module: str) -> tuple[str, ...]:
    return tuple(sorted(set(_imported(_source(module)))))


def _imported(source: str) -> Iterator[str]:
    for package, names in IMPORT.findall(source):
        if package.split(".")[0] in PACKAGES:
            yield package
            for name in NAME.findall(names):
                if _is_module(f"{package}.{name}"):
                    yield f"{package}.{name}"


@lru_cache(maxsize=512)
def _code(module: str) -> str:
    """Return a digest of a module's statements, without comments, docstrings and the places of lines."""
    tree = ast.parse(_source(module))
    _drop_docstrings(tree)
    code = compile(tree, module, "exec", dont_inherit=True)
    return f"{module} {hashlib.sha256(_statements(code).encode()).hexdigest()}"


def _drop_docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), first)]
    for each in node.body:
        if isinstance(each, ast.ClassDef | ast.FunctionDef):
            _drop_docstrings(each)


def _statements(constant: object) -> str:
    """Return what a constant of a program says; sets have no order, and code is its instructions and what they name."""
    if isinstance(constant, CodeType):
        counts = (constant.co_argcount, constant.co_posonlyargcount, constant.co_kwonlyargcount)
        names = (constant.co_names, constant.co_varnames, constant.co_freevars)
        parts = (constant.co_code, constant.co_exceptiontable, constant.co_flags, counts, names)
        # From Python 3.13 on a class knows in which line it begins.
        line = constant.co_firstlineno if "__firstlineno__" in constant.co_names else None
        inner = ",".join(_statements(each) for each in constant.co_consts if each != line)
        return f"{constant.co_name}{parts}({inner})"
    if isinstance(constant, frozenset):
        return f"{{{','.join(sorted(map(repr, cast('frozenset[object]', constant))))}}}"
    if isinstance(constant, tuple):
        parts = cast("tuple[object, ...]", constant)
        return f"({','.join(_statements(each) for each in parts)})"
    return repr(constant)


def _source(module: str) -> str:
    return _path(module).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _root() -> Path:
    spec = find_spec("sales")
    assert spec is not None  # noqa: S101  # this package depends on it
    assert spec.origin is not None  # noqa: S101  # it is no namespace package
    return Path(spec.origin).parent.parent


def _path(module: str) -> Path:
    path = _root().joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache(maxsize=2048)
def _is_module(name: str) -> bool:
    path = _root().joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
