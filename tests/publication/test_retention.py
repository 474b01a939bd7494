"""What a home may forget, on a published April with revisions."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from upath import UPath

from connectors.delivery.ledger import DeliveryLedger, Status
from connectors.delivery.outbox import deliver
from connectors.storage.publications import Publication
from publication.retention import forget_revisions, forgettable_revisions
from publication.workspace import Workspace
from tests.publication.april import MONTH, NOW, workspace_of

KEPT = 90
YEAR = timedelta(days=365)


@pytest.fixture
def april(published: Path, tmp_path: Path) -> Workspace:
    """April in four revisions, a year ago; policy keeps what others replaced for 90 days."""
    shutil.copytree(published, tmp_path / "copy")
    (tmp_path / "copy" / "policy" / "fy2026.toml").write_text(
        f"[retention]\nrevisions_days = {KEPT}\n"
    )
    workspace = replace(workspace_of(tmp_path / "copy"), now=lambda: NOW + YEAR)
    for n in (2, 3, 4):
        printed = tmp_path / str(n)
        printed.mkdir()
        (printed / "company.pdf").write_text(str(n))
        entry = {"file": "company.pdf", "sha256": digest(n), "other_shapes": {}}
        (printed / "manifest.json").write_text(json.dumps({"documents": [entry]}))
        current = workspace.published.current(MONTH)
        assert current is not None
        workspace.published.publish(MONTH, current.extract_id, NOW, digest(n), printed=printed)
    return workspace


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def found(workspace: Workspace) -> list[Publication]:
    return forgettable_revisions(workspace, *outside(workspace))


def outside(workspace: Workspace) -> tuple[DeliveryLedger, UPath]:
    return DeliveryLedger(workspace.catalogue), UPath(workspace.home / "outbox")


def numbers(workspace: Workspace) -> list[int]:
    return [each.revision for each in found(workspace)]


def test_replaced_revisions_are_forgotten_after_the_days_that_policy_names(
    april: Workspace,
) -> None:
    assert numbers(april) == [2, 3]
    a_day_early = replace(april, now=lambda: NOW + timedelta(days=KEPT))
    assert numbers(a_day_early) == []
    forget_revisions(april, *outside(april), found(april))
    assert [each.revision for each in april.published.revisions(MONTH)] == [1, 4]
    assert numbers(april) == []


def test_without_a_number_of_days_every_revision_stays(april: Workspace) -> None:
    (april.policy_folder / "fy2026.toml").write_text("")
    assert numbers(april) == []


@pytest.mark.parametrize(
    ("status", "left"), [(Status.SENT, [3]), (Status.UNKNOWN, [3]), (Status.REFUSED, [2, 3])]
)
def test_what_was_sent_or_may_have_been_stays(
    april: Workspace, status: Status, left: list[int]
) -> None:
    ledger = DeliveryLedger(april.catalogue)
    planned = ledger.plan(str(MONTH), "mail", [("md@acme.example", "company.pdf", digest(2))])
    ledger.note(list(planned.values()), status)
    assert numbers(april) == left


def test_what_was_handed_over_stays(april: Workspace) -> None:
    folder = april.published.kept.folder(MONTH, 3)
    deliver(folder, MONTH, UPath(april.home / "outbox"))
    assert numbers(april) == [2]


def test_a_revision_whose_documents_cannot_be_told_stays(april: Workspace) -> None:
    (april.published.kept.folder(MONTH, 2) / "manifest.json").write_bytes(b"\0")
    assert numbers(april) == [3]
