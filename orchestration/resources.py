"""Resources: plain objects for the assets, built from settings when a run begins.

Settings are read in the run, not in configuration: so definitions load with an empty
environment, and no secret can appear in the UI.
"""

import dagster as dg

from assets.books import Books
from connectors.salesforce import SalesforceClient
from connectors.salesforce_wire import Login
from orchestration import settings
from orchestration.embedded import embedded_login
from reports.press import Press
from sales.extract import EMBEDDED


def login() -> Login:
    """Return how to reach Salesforce; the embedded org where no setting says otherwise."""
    if settings.uses_embedded_org():
        return embedded_login()
    values = {name: setting.value for name, setting in settings.read_settings().items()}
    return Login(
        values["SALESFORCE_DOMAIN"], values["SALESFORCE_CLIENT_ID"], values["SALESFORCE_CLIENT_SECRET"],
        values["SALESFORCE_LOCAL_URL"], values["SALESFORCE_API_VERSION"],
    )  # fmt: skip


def source() -> str:
    """Return where the data comes from, in the words that reports and pins use."""
    if settings.uses_embedded_org():
        return EMBEDDED
    return settings.value_of("SALESFORCE_LOCAL_URL") or f"https://{settings.value_of('SALESFORCE_DOMAIN')}.salesforce.com"


def make_books() -> Books:
    """Return the books of this process."""
    return Books(settings.home(), settings.policy_folder(), lambda: SalesforceClient(login()), source())


class BooksResource(dg.ConfigurableResource[Books]):
    """Extracts, pins, policies and the target book of `ONPACE_HOME` and `ONPACE_POLICY`."""

    def create_resource(self, context: dg.InitResourceContext) -> Books:  # noqa: ARG002  # Dagster's signature
        """Build the books from settings."""
        return make_books()


class PressResource(dg.ConfigurableResource[Press]):
    """The press that prints packs below `ONPACE_HOME/packs`."""

    def create_resource(self, context: dg.InitResourceContext) -> Press:  # noqa: ARG002  # Dagster's signature
        """Build the press from settings."""
        return Press(settings.home() / "packs", settings.policy_folder(), settings.value_of("ONPACE_PACKS_URL"))
