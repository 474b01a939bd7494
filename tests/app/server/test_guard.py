"""The UI answers its own pages, asked for by its own names, and nobody else."""

import pytest
from starlette.types import Scope

from app.server.guard import OWN_NAMES, Guard

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
