"""What a login is answered with: another address, another host."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from connectors.salesforce import session as sessions
from connectors.salesforce.auth import Login, LoginRefused
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.transport import SentElsewhere

SECRET = "s3cret-planted"
VERSIONS = [{"version": "60.0"}]


class _Moved(BaseHTTPRequestHandler):
    """Answers every POST with another address, and keeps what it was sent, by path."""

    got: dict[str, bytes]

    def do_GET(self) -> None:
        content = json.dumps(VERSIONS).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        self.got[self.path] = self.rfile.read(size)
        self.send_response(307)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def moved() -> Iterator[tuple[str, dict[str, bytes]]]:
    got: dict[str, bytes] = {}
    handler = type("Handler", (_Moved,), {"got": got})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", got
        server.shutdown()


def test_a_login_follows_no_redirect(moved: tuple[str, dict[str, bytes]]) -> None:
    address, got = moved
    with pytest.raises(SentElsewhere, match="sends us on to '127.0.0.1'.*SALESFORCE_DOMAIN"):
        SalesforceSession(Login("", "me", SECRET, address), pause=lambda _: None)
    assert list(got) == ["/services/oauth2/token"]


class _Answers(requests.adapters.HTTPAdapter):
    """Salesforce, which names a host in the answer to a login; counts what is sent to others."""

    host = ""

    def __init__(self, _url: str, _seconds: float) -> None:
        super().__init__()
        self.sent = 0

    def send(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> requests.Response:
        assert (request.url or "").startswith("https://acme.my.salesforce.com/")
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, str(request.url), request
        token = {"access_token": "t", "instance_url": f"https://{self.host}", "issued_at": "0"}
        content = token if request.method == "POST" else VERSIONS
        answer._content = json.dumps(content).encode()
        return answer


@pytest.mark.parametrize(
    "host", ["acme.my.salesforce.com", "na1.salesforce.com", "acme.my.salesforce.mil"]
)
def test_a_login_may_name_a_host_of_salesforce(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(sessions, "Adapter", type("Adapter", (_Answers,), {"host": host}))
    assert SalesforceSession(Login("acme.my", "me", SECRET)).version == "60.0"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "salesforce.com.evil.example",
        "evil.example#.salesforce.com",
        "evil.example?.salesforce.com",
        "evil.example\\.salesforce.com",
        "me@evil.example",
        "notsalesforce.com",
        "evil.force.com",
        "127.0.0.1",
    ],
)
def test_a_login_that_names_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(sessions, "Adapter", type("Adapter", (_Answers,), {"host": host}))
    with pytest.raises(LoginRefused, match="which is not Salesforce's"):
        SalesforceSession(Login("acme.my", "me", SECRET))
