"""Resources: plain objects for the assets, built from settings when a run begins.

Settings are read in the run, not in configuration: so definitions load with an empty
environment, and no secret can appear in the UI.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
from dagster_slack import SlackResource
from slack_sdk.errors import SlackClientError

from app.console import err
from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.outbox import outbox_at
from connectors.delivery.smtp import LOOPBACK
from connectors.salesforce.auth import HOST_SUFFIX, Login, my_domain
from connectors.salesforce.pull import SalesforceClient
from connectors.salesforce.session import Wire
from connectors.storage.migrations import upgrade
from orchestration import settings
from orchestration.embedded import embedded_login
from publication.delivery import Mailroom
from publication.month_inputs import Books
from reports.publisher import Press
from sales.errors import Fault
from sales.history.extract import EMBEDDED

MOST_WORDS = 3_000  # of a message to Slack


class SlackUnusable(Fault, OSError):
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


def home() -> Path:
    """Return the home, brought to today's format where an earlier version of this program left it."""
    upgrade(settings.home(), lambda line: err.print(line, markup=False))
    return settings.home()


def make_books() -> Books:
    """Return the books of this process."""
    return Books(home(), settings.policy_folder(), make_client, source())


def make_client() -> SalesforceClient:
    """Return a reader of the organisation that settings name."""
    return SalesforceClient(login(), connect=partial(Wire, highest_api_share=settings.api_share()))


class BooksResource(dg.ConfigurableResource[Books]):
    """Extracts, pins, policies and the target book of `ONPACE_HOME` and `ONPACE_POLICY`."""

    def create_resource(self, context: dg.InitResourceContext) -> Books:  # noqa: ARG002  # Dagster's signature
        """Build the books from settings, or take those that this process works with."""
        return _lent.get() or make_books()


_lent: ContextVar[Books | None] = ContextVar("books that this process works with", default=None)


@contextmanager
def lent(books: Books) -> Iterator[None]:
    """Let runs of this process read from books that are open already: what they hold in memory serves all of them."""
    token = _lent.set(books)
    try:
        yield
    finally:
        _lent.reset(token)


def make_mailroom(books: Books | None = None) -> Mailroom:
    """Return the mailroom of this process."""
    used = books or make_books()
    url = settings.value_of("ONPACE_LEDGER_URL")
    ledger = DeliveryLedger(url, used.now) if url else DeliveryLedger.at(used.home, used.now)
    outbox = outbox_at(settings.value_of("ONPACE_OUTBOX_URL"), used.home)
    return Mailroom(used, ledger, settings.smtp(), outbox, links_for_recipients(), _slack())


def links_for_recipients() -> str:
    """Return where recipients can open documents, empty where only this machine can: a link to it would lead nowhere."""
    address = settings.value_of("ONPACE_PACKS_URL")
    return "" if urlsplit(address).hostname in LOOPBACK else address


def _slack() -> Callable[[str], None] | None:
    """Return how to tell a Slack channel something, none where no token is set."""
    token, channel = settings.value_of("SLACK_TOKEN"), settings.value_of("SLACK_CHANNEL")
    if not token or not channel:
        return None

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


class MailroomResource(dg.ConfigurableResource[Mailroom]):
    """Recipients, the ledger of deliveries and the mail server."""

    def create_resource(self, context: dg.InitResourceContext) -> Mailroom:  # noqa: ARG002  # Dagster's signature
        """Build the mailroom from settings."""
        return make_mailroom()


class PressResource(dg.ConfigurableResource[Press]):
    """The press that prints packs below `ONPACE_HOME/packs`."""

    def create_resource(self, context: dg.InitResourceContext) -> Press:  # noqa: ARG002  # Dagster's signature
        """Build the press from settings."""
        return Press(
            settings.home() / "packs",
            settings.policy_folder(),
            settings.value_of("ONPACE_PACKS_URL"),
        )
