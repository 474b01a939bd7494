"""The UI answers its own pages, asked for by its own names, and nobody else."""

from collections.abc import Iterator

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from app.server.guard import OWN_NAMES, Guard
from embedded_org.server import serving_app

HOST = "127.0.0.1:3000"
SELF = {"host": HOST, "origin": f"http://{HOST}", "content-type": "application/json"}
FOREIGN = {"sec-fetch-site": "cross-site"}


async def ui(*_: object) -> None:
    """Answer nothing: only what is passed on matters."""


def request(
    method: str, path: str, headers: dict[str, str], query: str = "", kind: str = "http"
) -> Scope:
    return {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


def is_passed_on(scope: Scope) -> bool:
    return not Guard(ui, [*OWN_NAMES, "ui.acme.example"]).why_refused(scope)


@pytest.mark.parametrize(
    "scope",
    [
        request("GET", "/", {"host": HOST}),
        request("GET", "/runs", {"host": "localhost:3000", "sec-fetch-site": "none"}),
        request("GET", "/server_info", {"host": "[::1]:3000"}),
        request("GET", "/graphql", {"host": HOST}),
        request("POST", "/graphql", SELF),
        request("POST", "/graphql", SELF | {"content-type": "application/json; charset=utf-8"}),
        request("POST", "/graphql", {"host": HOST, "content-type": "application/json"}),
        request("GET", "/graphql", SELF, kind="websocket"),
        request("POST", "/graphql", SELF | {"host": "ui.acme.example", "origin": "https://ui.acme.example"}),
        request("GET", "/runs/1", {"host": HOST, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}),
    ],
)  # fmt: skip
def test_its_own_pages_and_programs_are_answered(scope: Scope) -> None:
    assert is_passed_on(scope)


@pytest.mark.parametrize(
    "scope",
    [
        request("GET", "/graphql", {"host": HOST}, "query=mutation{launchRun}"),
        request("GET", "/graphql/", {"host": HOST}, "query=mutation{launchRun}"),
        request("GET", "/graphql", {"host": HOST} | FOREIGN, "query=mutation{launchRun}"),
        request("GET", "/", {"host": "evil.example:3000"}),
        request("GET", "/", {"host": "127.0.0.1.evil.example"}),
        request("GET", "/", {"host": "[bad"}),
        request("GET", "/", {}),
        request("POST", "/graphql", SELF | {"origin": "https://evil.example"}),
        request("POST", "/graphql", SELF | {"origin": "null"}),
        request("POST", "/graphql", SELF | {"origin": "http://[bad"}),
        request("POST", "/graphql", SELF | {"origin": "http://127.0.0.1:8080"}),
        request("POST", "/graphql", SELF | FOREIGN),
        request("POST", "/graphql", SELF | {"sec-fetch-site": "same-site"}),
        request("POST", "/graphql", SELF | {"content-type": "text/plain"}),
        request("POST", "/graphql", SELF | {"content-type": "multipart/form-data; boundary=x"}),
        request("POST", "/report_asset_materialization/x", {"host": HOST}),
        request("GET", "/graphql", {"host": HOST, "origin": "https://evil.example"}, kind="websocket"),
        request("GET", "/graphql", {"host": HOST}, kind="websocket"),
        request("GET", "/logo.png", {"host": HOST} | FOREIGN),
    ],
)  # fmt: skip
def test_pages_of_other_places_are_not(scope: Scope) -> None:
    assert not is_passed_on(scope)


class TestToken:
    """As a browser and a program meet it."""

    TOKEN = "t0ken-of-this-start"

    @pytest.fixture
    def address(self) -> Iterator[str]:
        async def page(_: Request) -> Response:
            return PlainTextResponse("the UI")

        routes = [Route("/{path:path}", page, methods=["GET", "POST"])]
        with serving_app(Guard(Starlette(routes=routes), OWN_NAMES, self.TOKEN)) as address:  # type: ignore[arg-type]
            yield address

    def test_without_it_nothing_is_answered_but_that_the_program_runs(self, address: str) -> None:
        for path in ("/", "/runs", "/graphql"):
            assert requests.get(address + path, timeout=30).status_code == 401
        asked = requests.post(f"{address}/graphql", json={"query": "{version}"}, timeout=30)
        assert asked.status_code == 401
        by_a_probe = {"Host": "10.1.2.3:8080"}
        for headers in ({}, by_a_probe):
            running = requests.get(f"{address}/server_info", headers=headers, timeout=30)
            assert running.text == "the UI"

    def test_the_address_that_carries_it_opens_the_ui_and_a_cookie_keeps_it_open(
        self, address: str
    ) -> None:
        with requests.Session() as browser:
            first = browser.get(f"{address}/runs?a=1&token={self.TOKEN}", timeout=30)
            assert (first.text, first.url) == ("the UI", f"{address}/runs?a=1")
            cookie = first.history[0].headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
            assert browser.get(f"{address}/", timeout=30).text == "the UI"
            assert browser.post(f"{address}/graphql", json={}, timeout=30).text == "the UI"

    def test_a_program_says_it_as_a_bearer(self, address: str) -> None:
        for token, code in ((self.TOKEN, 200), ("", 401), ("another", 401), ("ü", 401)):
            headers = {"Authorization": f"Bearer {token}".encode()}
            assert requests.get(address, headers=headers, timeout=30).status_code == code

    def test_it_never_leads_to_another_server(self, address: str) -> None:
        for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
            asked = requests.Request("GET", address).prepare()
            asked.url = f"{address}{path}?token={self.TOKEN}"
            with requests.Session() as browser:
                answer = browser.send(asked, allow_redirects=False, timeout=30)
            assert answer.headers["Location"].startswith("/")
            assert answer.headers["Location"][1] not in "/\\"

    def test_a_page_says_where_it_is_and_runs_nothing_of_the_address(self, address: str) -> None:
        answer = requests.get(
            f"{address}/%22%3E%3Cscript%3E", headers={"Accept": "text/html"}, timeout=30
        )
        assert answer.status_code == 401
        assert "onpace ui" in answer.text
        assert "<script>" not in answer.text
