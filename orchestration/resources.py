"""What a process works with, made from its settings: the home, the organisation, what prints and what delivers.

What takes long to load is loaded where it is made: most commands print and deliver nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connectors.delivery.smtp import LOOPBACK
from connectors.salesforce.auth import HOST_SUFFIX, Login, MissingSetting, my_domain
from connectors.storage.catalogue import Catalogue
from connectors.storage.files import link
from connectors.storage.migrations import FORMAT, NotUpgraded, carry_over, format_of, upgrade
from orchestration import settings
from orchestration.json_logs import say
from publication.workspace import PageRules, Workspace
from sales.errors import UserError
from sales.history.extract import EMBEDDED
from sales.policy.rules import MonthRules

if TYPE_CHECKING:
    from connectors.delivery.notices import Notices
    from connectors.salesforce.pull import SalesforceClient
    from publication.delivery import DeliveryService
    from reports.publisher import Publisher

DEMO_NOTE = "DEMO.md"  # lies in the demo's policy folder


def login() -> Login:
    """Return how to reach Salesforce; the embedded org where no setting says otherwise."""
    if settings.uses_embedded_org():
        from orchestration.embedded import embedded_login  # noqa: PLC0415  # only the demo needs it

        return embedded_login()
    names = (
        "domain",
        "client_id",
        "client_secret",
        "local_url",
        "api_version",
        "username",
        "password",
        "security_token",
        "session_id",
    )
    values = {name: settings.value_of(f"SALESFORCE_{name.upper()}") for name in names}
    return Login(**values, private_key=settings.private_key())


def source() -> str:
    """Return where the data comes from, in the words that reports and pins use."""
    if settings.uses_embedded_org():
        return EMBEDDED
    return (
        settings.value_of("SALESFORCE_LOCAL_URL")
        or f"https://{my_domain(settings.value_of('SALESFORCE_DOMAIN'))}{HOST_SUFFIX}"
    )


def catalogue() -> Catalogue:
    """Return the catalogue of the home as it lies there; raises `NotUpgraded` where an earlier version left it."""
    if (found := format_of(settings.home())) < FORMAT:
        raise NotUpgraded(f"{settings.home()} has format {found}; run `onpace upgrade`")
    return Catalogue(settings.home(), settings.value_of("ONPACE_LEDGER_URL"))


def upgraded(tell: Callable[[str], None] = say) -> Catalogue:
    """Return the catalogue of the home, both brought to what this version and its settings want."""
    upgrade(settings.home(), tell)
    carry_over(catalogue(), tell)
    return catalogue()


def make_workspace() -> Workspace:
    """Return where this process reads and writes, from its settings; raises `MissingSetting` for the demo's rules with another company."""
    workspace = Workspace(
        upgraded().home,
        settings.policy_folder(),
        make_client,
        source(),
        pages=PageRules(_check_theme, _repertoire),
        database=settings.value_of("ONPACE_LEDGER_URL"),
    )
    if not is_demo_policy(workspace.policy_folder) or _is_demo_company(workspace):
        return workspace
    if settings.is_policy_set():
        raise MissingSetting(
            f"{workspace.policy_folder} holds the rules of the demo company, and the settings name {workspace.source}; "
            f"set ONPACE_POLICY to a folder of your own (`onpace init DIR` writes one), or delete {DEMO_NOTE} there once its rules are yours"
        )
    return replace(workspace, policy_folder=settings.own_policy_folder())


def _check_theme(folder: Path, rules: MonthRules) -> object:
    from reports.document.theme import themes_of  # noqa: PLC0415  # only before a month is computed

    return themes_of(folder, rules)


def _repertoire() -> Collection[int]:
    from reports.text.formats import repertoire  # noqa: PLC0415  # as above

    return repertoire()


def is_demo_policy(folder: Path) -> bool:
    """Return whether the rules of a policy folder are the demo company's."""
    return (folder / DEMO_NOTE).is_file()


def _is_demo_company(workspace: Workspace) -> bool:
    """Return whether an organisation is the demo company; one on this machine may serve it, and is asked once."""
    if settings.uses_embedded_org():
        return True
    if not settings.value_of("SALESFORCE_LOCAL_URL"):
        return False
    from embedded_org.company import NAME  # noqa: PLC0415  # only for an org on this machine

    latest = workspace.extracts.latest()
    is_its = latest is not None and latest.source == workspace.source
    try:
        found = (
            workspace.loaded.defaults(latest)
            if latest and is_its
            else workspace.connect().organization()
        )
    except UserError:  # nobody can tell: whoever needs the organisation meets the reason there
        return True
    return found.company == NAME


def make_client() -> SalesforceClient:
    """Return a reader of the organisation that settings name."""
    from connectors.salesforce.pull import SalesforceClient  # noqa: PLC0415  # only who reads needs it
    from connectors.salesforce.session import SalesforceSession  # noqa: PLC0415  # as above

    return SalesforceClient(
        login(), connect=partial(SalesforceSession, highest_api_share=settings.api_share())
    )


def make_delivery_service(workspace: Workspace | None = None) -> DeliveryService:
    """Return what sends documents, from the settings of this process."""
    from connectors.delivery.ledger import DeliveryLedger  # noqa: PLC0415  # only who delivers needs it
    from connectors.delivery.outbox import outbox_at  # noqa: PLC0415  # as above
    from publication.delivery import DeliveryService  # noqa: PLC0415  # as above

    used = workspace or make_workspace()
    ledger = DeliveryLedger(used.catalogue, used.now)
    outbox = outbox_at(settings.value_of("ONPACE_OUTBOX_URL"), used.home)
    return DeliveryService(
        used, ledger, settings.smtp(), outbox, links_for_recipients(), make_notices()
    )


def make_publisher(workspace: Workspace | None = None) -> Publisher:
    """Return what prints packs below the home; raises `CannotPrint` where the system's libraries are missing."""
    from reports.rendering.libraries import refuse_without_pango  # noqa: PLC0415  # as below

    refuse_without_pango()
    from reports.publisher import Publisher  # noqa: PLC0415  # only who prints needs it

    used = workspace or make_workspace()
    return Publisher(
        used.home / "packs", used.policy_folder, settings.value_of("ONPACE_PACKS_URL"), link
    )


def links_for_recipients() -> str:
    """Return where recipients can open documents, empty where only this machine can: a link to it would lead nowhere."""
    address = settings.value_of("ONPACE_PACKS_URL")
    return "" if urlsplit(address).hostname in LOOPBACK else address


def make_notices() -> Notices | None:
    """Return where notices are posted, none where no setting names a place."""
    addresses = settings.value_of("ONPACE_NOTICES").split()
    token, channel = settings.value_of("SLACK_TOKEN"), settings.value_of("SLACK_CHANNEL")
    if not addresses and not (token and channel):
        return None
    from connectors.delivery.notices import Notices, slack_address  # noqa: PLC0415  # it loads much

    return Notices([*addresses, *([slack_address(token, channel)] if token and channel else [])])
