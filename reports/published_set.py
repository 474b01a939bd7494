"""Documents of a month as they were published: each with its files and digests, and those that could not be printed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sales.errors import UserError


class DocumentsFailed(UserError, RuntimeError):
    """Some documents could not be printed; the others were."""


@dataclass(frozen=True)
class Pack:
    """One published document: its PDF, and the same in other shapes.

    A mail says its headline numbers, its verdict and what it asks for; earlier versions of this
    program noted the numbers only.
    """

    path: Path
    title: str
    kind: str
    grain_id: str
    language: str
    paper: str
    audience: str
    sha256: str
    content_digest: str
    other_shapes: dict[str, str] = field(default_factory=dict[str, str])
    headline: tuple[tuple[str, str, str], ...] = ()
    verdict: str = ""
    actions: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishedSet:
    """All documents of a month, the company's first; `printed` of them were printed now, `failed` says which could not be and why."""

    folder: Path
    packs: list[Pack]
    printed: int
    failed: dict[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A digest of everything that was published."""
        return hashlib.sha256("".join(pack.sha256 for pack in self.packs).encode()).hexdigest()[:32]

    def refuse_failed(self) -> None:
        """Raise `DocumentsFailed` where a document could not be printed."""
        if self.failed:
            first, reason = next(iter(self.failed.items()))
            more = f" and {len(self.failed) - 1} more" if len(self.failed) > 1 else ""
            raise DocumentsFailed(
                f"{first}{more} could not be printed: {reason}; the other {len(self.packs)} documents are in {self.folder}"
            )
