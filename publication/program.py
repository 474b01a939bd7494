"""Digests of the program: what decides about a number or a page besides the data.

A table's digest follows the modules that compute it and what they import; a comment, a docstring or
another room's code does not move it. A page's digest follows everything that is printed with.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("sales", "connectors", "reports", "publication")
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
PAGE_FILES = {".html", ".css", ".po", ".conf", ".ttf"}


@lru_cache(maxsize=64)
def table_digest(*modules: str) -> str:
    """Return a digest of modules, of what they import, and of the libraries that decide about a number."""
    return _digest([*_versions(OF_NUMBERS), *(_code(each) for each in _closure(modules))])


@lru_cache(maxsize=1)
def page_digest() -> str:
    """Return a digest of everything that decides about a document: code, templates, texts, fonts, libraries."""
    closure = _closure(("reports.publisher", "publication.delivery"))
    folder = _path("reports").parent
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in PAGE_FILES)
    contents = (
        path.relative_to(folder).as_posix() + hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    )
    libraries = _versions((*OF_NUMBERS, *OF_PAGES))
    return _digest([*libraries, *(_code(each) for each in closure), *contents])


def _versions(libraries: tuple[str, ...]) -> list[str]:
    return [f"{name} {version(name)}" for name in libraries]


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
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_bytes())


@lru_cache(maxsize=512)
def _imports(module: str) -> tuple[str, ...]:
    return tuple(sorted(set(_imported(_tree(module)))))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.ImportFrom) and node.module) or node.level:
            continue
        if node.module.split(".")[0] in PACKAGES:
            yield node.module
            for alias in node.names:
                if _is_module(f"{node.module}.{alias.name}"):
                    yield f"{node.module}.{alias.name}"


@lru_cache(maxsize=512)
def _code(module: str) -> str:
    """Return a digest of a module's statements, without comments, docstrings and the places of lines."""
    tree = _tree(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            body[0].value.value = ""
    return f"{module} {hashlib.sha256(ast.dump(tree).encode()).hexdigest()}"


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
