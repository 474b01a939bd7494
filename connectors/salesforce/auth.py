"""Where Salesforce lives and who we are: the four ways to log in.

Put settings of a login and what is wrong with them here. Using the login is `session`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sales.errors import UserError

LOCAL_DOMAIN = "local-org.my"
HOST_SUFFIX = ".salesforce.com"
# Where an organisation's pages are opened, and the end of its My Domain there.
OTHER_HOSTS = {
    ".lightning.force.com": ".my",
    ".my.salesforce-setup.com": ".my",
    ".my.salesforce-scrt.com": ".my",
    ".my.site.com": ".my",
}
CLIENT_CREDENTIALS, JWT_BEARER, PASSWORD, SESSION = (
    "client credentials",
    "JWT bearer",
    "username and password",
    "session id",
)


class LoginRefused(UserError, PermissionError):
    """Salesforce does not accept who we say we are."""


class NotLocal(UserError, ValueError):
    """An address of an org on this machine is not on this machine."""


class MissingSetting(UserError, LookupError):
    """A variable that says where Salesforce is has no value."""


@dataclass(frozen=True)
class Login:
    """A login; `repr` and `place` never show a secret. `private_key` is PEM text.

    The flow follows from what is given: a session id, else a private key, else a password, else
    client credentials.
    """

    domain: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    local_url: str = ""
    api_version: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    session_id: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse a half-filled login, a domain that is no host name, and a local address that is not local."""
        object.__setattr__(self, "domain", my_domain(self.domain))
        for name in self._needed():
            if not getattr(self, name.removeprefix("SALESFORCE_").lower()):
                raise MissingSetting(
                    f"{name} is not set, and a login with {self.flow} needs it; set it in the environment or in .env"
                )
        if not self.domain and not self.local_url:
            raise MissingSetting(
                "SALESFORCE_DOMAIN is not set; set it to your My Domain, such as acme.my"
            )
        if self.flow == CLIENT_CREDENTIALS and self.domain in {"login", "test"}:
            raise MissingSetting(
                f"SALESFORCE_DOMAIN is {self.domain!r}, and client credentials need your My Domain; set it to acme.my or the like"
            )
        if self.local_url:
            _refuse_remote(self.local_url)

    def __repr__(self) -> str:
        """Show the place only."""
        return f"Login({self.place})"

    @property
    def flow(self) -> str:
        """How we log in."""
        if self.session_id:
            return SESSION
        if self.private_key:
            return JWT_BEARER
        return (
            PASSWORD
            if self.password or (self.username and not self.client_secret)
            else CLIENT_CREDENTIALS
        )

    @property
    def uses_soap(self) -> bool:
        """Whether the old `login()` is all there is: a password without a connected app."""
        return self.flow == PASSWORD and not (self.client_id and self.client_secret)

    @property
    def place(self) -> str:
        """Where Salesforce is, for messages."""
        return self.local_url or f"https://{self.domain}{HOST_SUFFIX}"

    @property
    def host(self) -> str:
        """The host name that simple-salesforce talks to; the adapter of a local org routes it to this machine."""
        return self.host_domain + HOST_SUFFIX

    @property
    def host_domain(self) -> str:
        """The host name without `.salesforce.com`."""
        return LOCAL_DOMAIN if self.local_url else self.domain

    @property
    def identity(self) -> str:
        """Who reads, as far as settings say: what one user sees, another may not."""
        return self.username or self.client_id

    @property
    def variables(self) -> str:
        """The variables to check when the login is refused."""
        return " and ".join(self._needed())

    def arguments(self) -> dict[str, Any]:
        """Return what simple-salesforce's constructor takes for this flow."""
        if self.flow == SESSION:
            return {"session_id": self.session_id, "instance": self.host}
        if self.flow == JWT_BEARER:
            return {
                "username": self.username,
                "consumer_key": self.client_id,
                "privatekey": self.private_key,
            }
        if self.uses_soap:
            return {
                "username": self.username,
                "password": self.password,
                "security_token": self.security_token,
            }
        app = {"consumer_key": self.client_id, "consumer_secret": self.client_secret}
        if self.flow == PASSWORD:
            return app | {
                "username": self.username,
                "password": self.password + self.security_token,
            }
        return app

    def masked(self, text: str) -> str:
        """Return a server's words in one short line, without our secrets should it echo one."""
        for secret in (
            self.client_secret,
            self.password,
            self.security_token,
            self.private_key,
            self.session_id,
        ):
            text = text.replace(secret, "***") if secret else text
        return " ".join(text.split())[:300]

    def _needed(self) -> list[str]:
        return {
            SESSION: ["SALESFORCE_SESSION_ID"],
            JWT_BEARER: ["SALESFORCE_CLIENT_ID", "SALESFORCE_USERNAME", "SALESFORCE_PRIVATE_KEY"],
            PASSWORD: ["SALESFORCE_USERNAME", "SALESFORCE_PASSWORD"],
            CLIENT_CREDENTIALS: ["SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET"],
        }[self.flow]


def my_domain(text: str) -> str:
    """Return `acme.my` of any address that a browser shows of an organisation: My Domain, Lightning, Setup, a sandbox of theirs."""
    address = text.strip().removeprefix("https://").rstrip("/")
    host = re.split(r"[/?#]", address, maxsplit=1)[0].removesuffix(":443").lower()
    # A whole address is an organisation's own, or somebody else's.
    is_ours = host == address.lower() or host.endswith((HOST_SUFFIX, *OTHER_HOSTS))
    for suffix, ours in OTHER_HOSTS.items():
        if host.endswith(suffix):
            host = host.removesuffix(suffix) + ours
    bare = host.removesuffix(HOST_SUFFIX)
    if address and not (is_ours and re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?", bare)):
        raise MissingSetting(
            f"SALESFORCE_DOMAIN {text[:60]!r} is no host name; set it to your My Domain, such as acme.my"
            + (
                " (an org on this machine is SALESFORCE_LOCAL_URL)"
                if text.startswith("http:")
                else ""
            )
        )
    return bare


def _refuse_remote(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        is_local &= parts.scheme == "http"
    except ValueError:
        is_local = False
    if not is_local:
        raise NotLocal(
            "SALESFORCE_LOCAL_URL must be an address on this machine, such as http://127.0.0.1:8080"
        )
