"""Every variable of the environment: its default, whether it is secret, and what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One variable: its default, whether it is secret, and what it means."""

    name: str
    default: str
    meaning: str
    is_secret: bool = False


VARIABLES = (
    Variable("ONPACE_HOME", "data", "where extracts, tables and PDFs are kept"),
    Variable("ONPACE_POLICY", "policy", "the policy folder"),
    Variable(
        "ONPACE_PACKS_URL",
        "http://127.0.0.1:3001",
        "where `onpace ui` serves the PDFs for links in the Dagster UI",
    ),
    Variable(
        "ONPACE_USER_HEADER",
        "",
        "header in which your proxy says who asks for documents, such as X-Onpace-User; empty: all documents, for this machine only",
    ),
    Variable(
        "ONPACE_UI_URL", "http://127.0.0.1:3000", "where the Dagster UI is, for links in alerts"
    ),
    Variable(
        "ONPACE_UI_NAMES",
        "",
        "further host names by which the UI is asked for, with spaces between them; others are refused",
    ),
    Variable(
        "ONPACE_UI_TOKEN",
        "",
        "token that opens the UI; empty: `onpace ui` makes a new one at each start, and a webserver behind a proxy's login needs none",
        is_secret=True,
    ),
    Variable(
        "ONPACE_FIRST_MONTH",
        "",
        "first month that the Dagster UI offers, such as 2023-01; empty: `onpace ui` takes the first of which something was read, other servers 2015-01",
    ),
    Variable(
        "ONPACE_LOG_FORMAT",
        "text",
        "text for people, or json: one JSON object a line for a log collector",
    ),
    Variable(
        "ONPACE_DAGSTER_HOME",
        "",
        "folder of a dagster.yaml that Dagster is to use, such as deploy; empty for SQLite in ONPACE_HOME/dagster",
    ),
    Variable(
        "ONPACE_LEDGER_URL",
        "",
        "database of the catalogue (extracts, publications, deliveries), such as postgresql+psycopg://host/name; empty for SQLite in ONPACE_HOME",
        is_secret=True,
    ),
    Variable(
        "ONPACE_OUTBOX_URL",
        "",
        "where documents are handed over, such as s3://bucket/folder; empty for ONPACE_HOME/outbox",
    ),
    Variable(
        "SLACK_TOKEN",
        "",
        "token of a Slack app that may post, for notices and alerts",
        is_secret=True,
    ),
    Variable("SLACK_CHANNEL", "", "the channel that it posts to"),
    Variable(
        "ONPACE_NOTICES",
        "",
        "where notices and alerts are posted, addresses as Apprise writes them with spaces between, such as msteams://... or jsons://host/path",
        is_secret=True,
    ),
    Variable("SMTP_HOST", "", "mail server; without it nothing is mailed"),
    Variable("SMTP_PORT", "", "its port; empty for 465 with tls, 587 with starttls"),
    Variable("SMTP_SECURITY", "starttls", "tls, starttls, or none for a server on this machine"),
    Variable("SMTP_FROM", "", "sender, such as Onpace <reports@acme.example>"),
    Variable(
        "SMTP_HELO",
        "",
        "what we call ourselves to the mail server, such as reports.acme.example; empty for the machine's name",
    ),
    Variable("SMTP_USERNAME", "", "login, where the server asks for one"),
    Variable("SMTP_PASSWORD", "", "its password", is_secret=True),
    Variable("SMTP_PASSWORD_FILE", "", "file with the password, in place of SMTP_PASSWORD"),
    Variable(
        "SMTP_AUTHORITY_FILE", "", "file with certificates to trust besides those of the machine"
    ),
    Variable("SALESFORCE_DOMAIN", "", "My Domain, acme.my for https://acme.my.salesforce.com"),
    Variable("SALESFORCE_CLIENT_ID", "", "OAuth client credentials: the consumer key"),
    Variable(
        "SALESFORCE_CLIENT_SECRET",
        "",
        "OAuth client credentials: the consumer secret",
        is_secret=True,
    ),
    Variable("SALESFORCE_USERNAME", "", "OAuth JWT bearer, or a password login: the user"),
    Variable(
        "SALESFORCE_PRIVATE_KEY_FILE", "", "OAuth JWT bearer: file with the private key in PEM form"
    ),
    Variable(
        "SALESFORCE_PRIVATE_KEY",
        "",
        "OAuth JWT bearer: the private key itself, in place of the file",
        is_secret=True,
    ),
    Variable(
        "SALESFORCE_PASSWORD",
        "",
        "password login (API logins with passwords end in Summer 2027)",
        is_secret=True,
    ),
    Variable(
        "SALESFORCE_SECURITY_TOKEN", "", "password login: the user's security token", is_secret=True
    ),
    Variable(
        "SALESFORCE_SESSION_ID",
        "",
        "an existing session, for tests: it cannot be renewed",
        is_secret=True,
    ),
    Variable(
        "SALESFORCE_API_SHARE",
        "90",
        "percent of the organisation's requests in 24 hours after which a pull stops",
    ),
    Variable(
        "SALESFORCE_API_VERSION", "", "API version; empty for the newest that both sides support"
    ),
    Variable(
        "SALESFORCE_LOCAL_URL",
        "",
        "an org on this machine instead of the internet, http://127.0.0.1:PORT",
    ),
)
