"""A home in which April is published, for tests of what happens after and meanwhile."""

from datetime import UTC, datetime
from pathlib import Path

from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.outbox import outbox_at
from connectors.delivery.smtp import SmtpSettings
from connectors.storage.catalogue import Catalogue
from publication.delivery import DeliveryService
from publication.extract_selection import resolve_extract
from publication.workspace import Workspace
from reports.published_set import PublishedSet
from reports.publisher import Publisher
from sales.contracts.contract import empty
from sales.contracts.published import MONTHLY
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.reports.months import MONTH, tables_of

NOW = datetime(2026, 5, 5, 9, tzinfo=UTC)
RECIPIENTS = """
allowed_domains = ["acme.example"]
own_pages = true
hold_notice = ["operations@acme.example"]

[[recipients]]
address = "md@acme.example"
packs = ["company", "team:North"]
"""


def publish_april(folder: Path) -> None:
    """Write a policy and publish April in a home of a folder."""
    policy = folder / "policy"
    policy.mkdir()
    (policy / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    (policy / "recipients.toml").write_text(RECIPIENTS)
    workspace = workspace_of(folder)
    record = resolve_extract(workspace, MONTH, lambda _: None)
    tables, variant = tables_of(4)
    for name in MONTHLY:
        workspace.tables.write(name, MONTH, getattr(tables, name, empty(MONTHLY[name])), {})

    def publish(its: PublishedSet, folder: Path) -> None:
        workspace.published.publish(MONTH, record.extract_id, NOW, its.digest, printed=folder)

    Publisher(workspace.home / "packs", policy).publish(
        tables, MONTH, variant.rules, "here", publish=publish
    )


def workspace_of(folder: Path) -> Workspace:
    reader = FakeReader(
        raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])),
        lambda: datetime(2026, 5, 2, tzinfo=UTC),
    )
    return Workspace(
        folder / "home", folder / "policy", lambda: reader, "https://acme.example", lambda: NOW
    )


def delivery_of(folder: Path, port: int = 1, rules: str = "") -> DeliveryService:
    """Return the delivery service of that home, by the port of its mail server and further rules."""
    (folder / "policy" / "fy2026.toml").write_text(rules)
    workspace = workspace_of(folder)
    return DeliveryService(
        workspace,
        DeliveryLedger(Catalogue(workspace.home)),
        SmtpSettings("127.0.0.1", port, "none", "Onpace <reports@acme.example>"),
        outbox_at("", workspace.home),
        "https://packs.acme.example",
        pause=lambda _: None,
    )
