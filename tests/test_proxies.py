"""The proxies of deploy/, run as they are but for names, ports and certificates, and attacked."""

from __future__ import annotations

import getpass
import grp
import os
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from urllib3 import Retry

from app.demo.mail_server import free_port
from embedded_org.server import serving_app

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DEPLOY, PROXIES = ROOT / "deploy", ROOT / "tests" / "clients" / ".proxies" / "usr"
UI, PACKS = "onpace.acme.example", "packs.acme.example"
USER, PASSWORD = "ann", "planted-of-the-proxy"
LOGIN = {"Authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
SELF = {"Origin": f"https://{UI}", "Content-Type": "application/json"}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}
MUTATION = "query=mutation{launchRun}"

Asked = tuple[str, str, dict[str, str]]
PASSED_ON: list[Asked] = [
    ("GET", "/", {}),
    ("GET", "/runs?cursor=1", {"Sec-Fetch-Site": "none"}),
    ("GET", "/runs/1", FOREIGN | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}),
    ("POST", "/graphql", SELF | {"Sec-Fetch-Site": "same-origin"}),
    ("POST", "/graphql?op=Runs", SELF | {"Content-Type": "application/json; charset=utf-8"}),
    ("POST", "/graphql", {"Content-Type": "application/json"}),
]
REFUSED: list[Asked] = [
    ("GET", f"/graphql?{MUTATION}", {}),
    ("GET", f"/graphql/?{MUTATION}", {}),
    ("HEAD", f"/graphql?{MUTATION}", {}),
    ("GET", f"/graphql?{MUTATION}", FOREIGN | {"Sec-Fetch-Dest": "image"}),
    ("GET", "/runs", FOREIGN | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    ("POST", "/graphql", SELF | {"Origin": "https://evil.example"}),
    ("POST", "/graphql", SELF | {"Origin": "null"}),
    ("POST", "/graphql", SELF | {"Origin": f"https://{UI}.evil.example"}),
    ("POST", "/graphql", SELF | FOREIGN),
    ("POST", "/graphql", SELF | {"Sec-Fetch-Site": "same-site"}),
    ("POST", "/graphql", SELF | {"Content-Type": "text/plain"}),
    ("POST", "/graphql", SELF | {"Content-Type": "multipart/form-data; boundary=x"}),
    ("POST", "/graphql", SELF | {"Content-Type": "application/jsonp"}),
    ("POST", "/report_asset_materialization/x", {}),
]


async def tell(request: Request) -> Response:
    """Answer with what a proxy passed on."""
    return JSONResponse({"path": request.url.path, "headers": dict(request.headers)})


@pytest.fixture(scope="module")
def behind() -> Iterator[str]:
    routes = [Route("/{path:path}", tell, methods=["GET", "HEAD", "POST"])]
    with serving_app(Starlette(routes=routes)) as address:
        yield address.removeprefix("http://")


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, behind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a proxy."""
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    made = {"nginx": _nginx, "caddy": _caddy}[request.param]
    command = made(folder, port, behind)
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {request.param} on this machine")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={"HOME": str(folder)}
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _nginx(folder: Path, port: int, behind: str) -> list[str]:
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    site = re.sub(r"listen 443 ssl( default_server)?;", rf"listen 127.0.0.1:{port}\1;", site)
    site = re.sub(r"^ *ssl_certificate.*\n", "", site, flags=re.MULTILINE)
    site = site.replace("ssl_reject_handshake on;", "return 421;")
    site = re.sub(r"http://127\.0\.0\.1:300[01]", f"http://{behind}", site)
    site = site.replace("/etc/nginx/onpace.users", str(folder / "users"))
    (folder / "site.conf").write_text(site)
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    places = "".join(
        f"{each}_temp_path {folder / each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user {getpass.getuser()} {grp.getgrgid(os.getgid()).gr_name};\ndaemon off;\npid {folder / 'pid'};\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}include {folder / 'site.conf'};\n}}\n"
    )
    own = PROXIES / "sbin" / "nginx"
    return [str(own) if own.exists() else "nginx", "-p", str(folder), "-c", "nginx.conf"]


def _caddy(folder: Path, port: int, behind: str) -> list[str]:
    own = PROXIES / "bin" / "caddy"
    program = str(own) if own.exists() else "caddy"
    site = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    for name in (UI, PACKS):
        site = re.sub(rf"^{re.escape(name)} ", f"http://{name}:{port} ", site, flags=re.MULTILINE)
    site = re.sub(r"(webserver|front):300[01]", behind, site)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    if shutil.which(program) is not None:
        hashed = subprocess.run(
            [program, "hash-password", "--plaintext", PASSWORD],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"HOME": str(folder)},
        )
        (folder / "users.caddy").write_text(f"{USER} {hashed.stdout.strip()}\n")
    return [program, "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def ask(proxy: str, host: str, asked: Asked, *, has_login: bool = True) -> requests.Response:
    method, path, headers = asked
    with requests.Session() as session:
        session.mount(
            "http://", HTTPAdapter(max_retries=Retry(40, backoff_factor=0.1, backoff_max=0.5))
        )
        return session.request(
            method,
            proxy + path,
            headers={"Host": host, **(LOGIN if has_login else {}), **headers},
            data=b"{}" if method == "POST" else None,
            timeout=30,
        )


def test_pages_of_the_ui_are_passed_on(proxy: str) -> None:
    for asked in PASSED_ON:
        answer = ask(proxy, UI, asked)
        assert answer.status_code == 200, asked
        assert answer.json()["headers"]["host"] == UI


def test_what_a_page_of_another_place_could_ask_is_refused(proxy: str) -> None:
    for asked in REFUSED:
        assert ask(proxy, UI, asked).status_code == 403, asked


def test_nothing_is_passed_on_without_a_login(proxy: str) -> None:
    for host in (UI, PACKS):
        assert ask(proxy, host, ("GET", "/", {}), has_login=False).status_code == 401


def test_another_name_leads_nowhere(proxy: str) -> None:
    answer = ask(proxy, "evil.example", ("GET", "/", {}))
    assert answer.status_code != 200 or not answer.content


def test_documents_are_asked_for_in_the_name_of_the_login(proxy: str) -> None:
    for claimed in ({}, {"X-Onpace-User": "md"}, {"x-onpace-user": "md"}):
        answer = ask(proxy, PACKS, ("GET", "/2026-04/company.pdf", claimed))
        assert answer.json()["headers"]["x-onpace-user"] == USER


def test_a_link_needs_no_login_and_is_in_nobodys_name(proxy: str) -> None:
    asked = ("GET", "/link/abc", {"X-Onpace-User": "md"})
    answer = ask(proxy, PACKS, asked, has_login=False)
    assert answer.status_code == 200
    assert not answer.json()["headers"].get("x-onpace-user")


def test_figures_and_health_are_for_the_inside(proxy: str) -> None:
    for path in ("/metrics", "/health"):
        assert ask(proxy, PACKS, ("GET", path, {})).status_code == 404
