"""Resources: plain objects for the assets, built from settings when a run begins.

Settings are read in the run, not in configuration: so definitions load with an empty
environment, and no secret can appear in the UI.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg

from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.outbox import outbox_at
from connectors.delivery.smtp import LOOPBACK
from connectors.salesforce.auth import HOST_SUFFIX, Login, MissingSetting, my_domain
from connectors.salesforce.pull import SalesforceClient
from connectors.salesforce.session import SalesforceSession
from connectors.storage.catalogue import Catalogue
from connectors.storage.files import PRIVATE, link
from connectors.storage.migrations import FORMAT, NotUpgraded, carry_over, format_of, upgrade
from embedded_org.company import NAME as DEMO_COMPANY
from orchestration import run_tags, settings
from orchestration.embedded import embedded_login
from orchestration.json_logs import say
from publication.delivery import DeliveryService
from publication.run_inputs import RunInputs, no_note
from publication.workspace import PageRules, Workspace
from reports.document.theme import themes_of
from reports.publisher import Publisher
from reports.text.formats import repertoire
from sales.errors import UserError
from sales.history.extract import EMBEDDED

MOST_WORDS = 3_000  # of a message to Slack
DEMO_NOTE = "DEMO.md"  # lies in the demo's policy folder


class SlackUnusable(UserError, OSError):
    """Slack cannot be told anything."""


def login() -> Login:
    """Return how to reach Salesforce; the embedded org where no setting says otherwise."""
    if settings.uses_embedded_org():
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
        pages=PageRules(themes_of, repertoire),
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


def is_demo_policy(folder: Path) -> bool:
    """Return whether the rules of a policy folder are the demo company's."""
    return (folder / DEMO_NOTE).is_file()


def _is_demo_company(workspace: Workspace) -> bool:
    """Return whether an organisation is the demo company; one on this machine may serve it, and is asked once."""
    if settings.uses_embedded_org():
        return True
    if not settings.value_of("SALESFORCE_LOCAL_URL"):
        return False
    latest = workspace.extracts.latest()
    try:
        found = workspace.loaded.defaults(latest) if latest else workspace.connect().organization()
    except UserError:  # nobody can tell: whoever needs the organisation meets the reason there
        return True
    return found.company == DEMO_COMPANY


def make_client() -> SalesforceClient:
    """Return a reader of the organisation that settings name."""
    return SalesforceClient(
        login(), connect=partial(SalesforceSession, highest_api_share=settings.api_share())
    )


def make_delivery_service(workspace: Workspace | None = None) -> DeliveryService:
    """Return what sends documents, from the settings of this process."""
    used = workspace or make_workspace()
    ledger = DeliveryLedger(used.catalogue, used.now)
    outbox = outbox_at(settings.value_of("ONPACE_OUTBOX_URL"), used.home)
    return DeliveryService(used, ledger, settings.smtp(), outbox, links_for_recipients(), _slack())


def make_publisher(workspace: Workspace | None = None) -> Publisher:
    """Return what prints packs below the home."""
    used = workspace or make_workspace()
    return Publisher(
        used.home / "packs", used.policy_folder, settings.value_of("ONPACE_PACKS_URL"), link
    )


def _say_who(context: dg.InitResourceContext) -> None:
    """Note in a run's tags who launched it, and why; a command's run says so itself."""
    run = context.run
    if context.instance and run and run.tags.get(run_tags.COMMAND) != run.run_id:
        context.instance.add_run_tags(run.run_id, run_tags.of_run(run.tags))


class RunInputsResource(dg.ConfigurableResource[RunInputs]):
    """Extracts, policies and the target book of `ONPACE_HOME` and `ONPACE_POLICY`, as one run reads them."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[RunInputs]:
        """Begin the inputs of a run, and end its hold of the month with it."""
        # The process of a run is Dagster's, and has the umask of whoever began it.
        os.umask(PRIVATE)
        tell, instance, run = (
            context.log.info if context.log else say,
            context.instance,
            context.run,
        )
        noted = no_note
        if instance and run:
            _say_who(context)
            noted = partial(run_tags.note, instance, run.run_id)
        with RunInputs(make_workspace(), "a run of the UI or its schedule", tell, noted) as inputs:
            yield inputs


def links_for_recipients() -> str:
    """Return where recipients can open documents, empty where only this machine can: a link to it would lead nowhere."""
    address = settings.value_of("ONPACE_PACKS_URL")
    return "" if urlsplit(address).hostname in LOOPBACK else address


def _slack() -> Callable[[str], None] | None:
    """Return how to tell a Slack channel something, none where no token is set."""
    token, channel = settings.value_of("SLACK_TOKEN"), settings.value_of("SLACK_CHANNEL")
    if not token or not channel:
        return None

    from dagster_slack import SlackResource  # noqa: PLC0415  # only where a token is set
    from slack_sdk.errors import SlackClientError  # noqa: PLC0415

    def tell(text: str) -> None:
        try:
            SlackResource(token=token).get_client().chat_postMessage(
                channel=channel, text=text[:MOST_WORDS]
            )
        except (SlackClientError, OSError) as fault:
            raise SlackUnusable(
                f"Slack does not take messages for {channel} ({type(fault).__name__}); check SLACK_TOKEN and SLACK_CHANNEL"
            ) from None

    return tell


class DeliveryServiceResource(dg.ConfigurableResource[DeliveryService]):
    """Recipients, the ledger of deliveries and the mail server."""

    def create_resource(self, context: dg.InitResourceContext) -> DeliveryService:
        """Build it from settings."""
        _say_who(context)
        return make_delivery_service()


class PublisherResource(dg.ConfigurableResource[Publisher]):
    """What prints packs below `ONPACE_HOME/packs`."""

    def create_resource(self, context: dg.InitResourceContext) -> Publisher:  # noqa: ARG002  # Dagster's signature
        """Build it from settings."""
        return make_publisher()
