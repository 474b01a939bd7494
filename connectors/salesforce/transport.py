"""How requests go over the wire: addresses, bundles of calls, what an answer holds, when to ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from sales.errors import UserError

CONNECT_SECONDS = 10.0
# What Salesforce takes in one request.
MOST_SUBREQUESTS, MOST_QUERIES = 25, 5


class SentElsewhere(UserError, RuntimeError):
    """A request was answered with another address; what we carry is for nobody else."""


@dataclass(frozen=True)
class Call:
    """One request for several-in-one: a path below the version, and its query parameters."""

    path: str
    parameters: dict[str, str]

    @property
    def is_query(self) -> bool:
        """Only five of those fit into one request."""
        return self.path in {"query", "queryAll"}


class Adapter(HTTPAdapter):
    """Every request has a timeout and is counted; a local org is reached over plain HTTP."""

    def __init__(self, local_url: str, read_seconds: float) -> None:
        """Wait so long for an answer at most; `local_url` is empty for the internet."""
        self._local_url = local_url.rstrip("/")
        self._timeout = (min(CONNECT_SECONDS, read_seconds), read_seconds)
        self.sent = 0
        super().__init__()

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Send with a timeout, to this machine where the org is local."""
        if self._local_url:
            target = urlsplit(request.url or "")
            request.url = f"{self._local_url}{target.path}" + (
                f"?{target.query}" if target.query else ""
            )
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        self.sent += 1
        answer = super().send(request, *args, **kwargs)
        if answer.is_redirect:
            raise SentElsewhere(_elsewhere(request, answer))
        return answer


def _elsewhere(request: requests.PreparedRequest, answer: requests.Response) -> str:
    asked = urlsplit(request.url or "").hostname
    try:
        target = urlsplit(answer.headers["Location"][:2000]).hostname or "another page"
    except ValueError:
        target = "nowhere"
    return (
        f"{asked} sends us on to {target[:80]!r}, and a login must not go where nobody named it; "
        f"where My Domain has a new name, set SALESFORCE_DOMAIN to it"
    )


def bundles(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """Yield calls in their order, as many as fit into one request."""
    bundle: list[Call] = []
    for call in calls:
        queries = sum(each.is_query for each in bundle)
        if bundle and (
            len(bundle) == MOST_SUBREQUESTS or (call.is_query and queries == MOST_QUERIES)
        ):
            yield bundle
            bundle = []
        bundle.append(call)
    if bundle:
        yield bundle


def query_string(parameters: dict[str, str]) -> str:
    """Return parameters as the end of an address, empty where there are none."""
    return (
        "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        if parameters
        else ""
    )


def content_of(answer: requests.Response) -> Any:  # noqa: ANN401
    """Return what an answer holds: JSON where it is some, else the text."""
    try:
        return answer.json()
    except requests.exceptions.JSONDecodeError:
        return " ".join(answer.text[:200].split())


def seconds_to_wait(answer: requests.Response) -> float:
    """Return how long Salesforce asks to be left alone, 0 where it does not say."""
    try:
        return max(float(answer.headers.get("Retry-After", "0")), 0.0)
    except ValueError:
        return 0.0
