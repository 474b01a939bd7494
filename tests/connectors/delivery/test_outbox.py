import hashlib
import json
from pathlib import Path

import pytest

from connectors.delivery.outbox import UnusableOutbox, deliver, outbox_at
from connectors.storage.monthly_tables import NotComputed
from sales.calendar import Month

MONTH = Month(2026, 3)


def folder(home: Path) -> Path:
    return home / "revisions" / str(MONTH) / "1"


def publish(home: Path, **documents: bytes) -> None:
    folder(home).mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        (folder(home) / f"{name}.pdf").write_bytes(content)
    listed = [
        {"file": f"{name}.pdf", "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in documents.items()
    ]
    (folder(home) / "manifest.json").write_text(json.dumps({"documents": listed}))


def test_the_same_document_is_delivered_once_and_a_changed_one_as_a_revision(
    tmp_path: Path,
) -> None:
    publish(tmp_path, company=b"one", team=b"two")
    assert deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path)).delivered == 2
    assert (
        deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path)).delivered,
        deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path)).already_there,
    ) == (0, 2)
    publish(tmp_path, company=b"changed", team=b"two")
    assert deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path)).delivered == 1
    outbox = tmp_path / "outbox" / str(MONTH)
    assert sorted(path.name for path in outbox.glob("*.pdf")) == [
        "company-revision-2.pdf",
        "company.pdf",
        "team.pdf",
    ]
    assert (outbox / "company.pdf").read_bytes() == b"one"
    publish(tmp_path, company=b"one", team=b"two")  # back to what was sent first: nothing new
    assert deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path)).delivered == 0


def test_a_file_that_is_not_the_published_one_is_not_delivered(tmp_path: Path) -> None:
    publish(tmp_path, company=b"one")
    (folder(tmp_path) / "company.pdf").write_bytes(b"tampered")
    with pytest.raises(NotComputed, match="not the file that was published"):
        deliver(folder(tmp_path), MONTH, outbox_at("", tmp_path))
    assert not (tmp_path / "outbox").exists()


def test_an_object_store_gets_the_same(tmp_path: Path) -> None:
    publish(tmp_path, company=b"one", team=b"two")
    store = outbox_at("memory://bucket/packs", tmp_path)
    assert deliver(folder(tmp_path), MONTH, store).delivered == 2
    publish(tmp_path, company=b"changed", team=b"two")
    receipt = deliver(folder(tmp_path), MONTH, store)
    assert (receipt.delivered, receipt.already_there, receipt.folder) == (
        1,
        1,
        "memory://bucket/packs/2026-03",
    )
    assert (store / "2026-03" / "company-revision-2.pdf").read_bytes() == b"changed"
    assert not (tmp_path / "outbox").exists()


def test_a_store_that_nobody_knows_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        UnusableOutbox, match="ONPACE_OUTBOX_URL 'nonsense://bucket' cannot be used"
    ):
        outbox_at("nonsense://bucket", tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "sftp://me:s3cret-planted@host/a",
        "s3://KEY:s3cret-planted@bucket",
        "ftp://a:b@s3cret-planted@h",
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(UnusableOutbox, match="holds a password") as refused:
        outbox_at(address, tmp_path)
    assert "planted" not in str(refused.value)
