"""Documents over HTTP on a published April: each reader gets what recipients.toml gives them, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
import requests
from starlette.applications import Starlette

from app.server.documents import ReadersDocuments
from embedded_org.server import serving_app
from publication.document_links import (
    VALID_FOR,
    DamagedKey,
    DocumentLink,
    LinkRefused,
    opened,
    signed,
)
from publication.workspace import Workspace
from reports.manifest import read_manifest
from sales.contracts.published import MONTHLY, month_column
from tests.publication.april import MONTH, NOW, RECIPIENTS, workspace_of

pytestmark = pytest.mark.slow

HEADER = "X-Onpace-User"
MORE = '\n[[recipients]]\naddress = "board@acme.example"\nuser = "board"\npacks = ["company"]\n'


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published, tmp_path / "copy")
    (tmp_path / "copy" / "policy" / "recipients.toml").write_text(RECIPIENTS + MORE)
    return tmp_path / "copy"


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    routes = ReadersDocuments(lambda: workspace_of(folder), HEADER).routes
    with serving_app(Starlette(routes=routes)) as address:
        yield address


def files(folder: Path) -> dict[str, list[str]]:
    """Return every file of April, by kind and person or team."""
    found = read_manifest(workspace_of(folder).published.documents(MONTH))["documents"]
    return {
        each["kind"] if each["kind"] == "company" else f"{each['kind']} {each['title']}": [
            each["file"],
            *each["other_shapes"],
        ]
        for each in found
    }


def got(address: str, user: str, name: str) -> int:
    return requests.get(f"{address}/{MONTH}/{name}", headers={HEADER: user}, timeout=60).status_code


def test_each_reader_gets_their_documents_and_nothing_else(address: str, folder: Path) -> None:
    may = {
        "md@acme.example": {"company", "team North"},
        "MD@ACME.example": {"company", "team North"},
        "board": {"company"},
        "ann@acme.example": {"person Ann"},
        "bob@acme.example": {"person Bob"},
        "stranger@acme.example": set[str](),
        "md@evil.example": set[str](),
    }
    known = files(folder)
    assert set.union(*may.values()) <= set(known)
    for user, mine in may.items():
        for title, names in known.items():
            for name in names:
                assert (got(address, user, name) == 200) == (title in mine), (user, name)


def test_nobody_gets_a_manifest_or_anything_beside_the_documents(address: str) -> None:
    for name in ("manifest.json", "..%2fpolicy", "%2e%2e", ".", "company.pdf%00", "x" * 3000):
        assert got(address, "md@acme.example", name) in {404, 307}
    for path in ("/catalogue.sqlite", "/2026-99/company.pdf", "/1900-01/company.pdf", "/a/b/c"):
        answer = requests.get(address + path, headers={HEADER: "md@acme.example"}, timeout=60)
        assert answer.status_code == 404
    # What is another's and what is not there sound the same.
    mine, none = (
        requests.get(f"{address}/{MONTH}/{name}", headers={HEADER: "bob@acme.example"}, timeout=60)
        for name in ("company.pdf", "no-such.pdf")
    )
    assert (mine.status_code, mine.text) == (none.status_code, none.text)


def test_who_is_not_named_gets_nothing(address: str) -> None:
    url = f"{address}/{MONTH}/company.pdf"
    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, headers={HEADER: ""}, timeout=60).status_code == 401
    assert requests.get(url, headers={HEADER: "nobody"}, timeout=60).status_code == 401
    assert requests.get(address, timeout=60).status_code == 401


def test_the_list_holds_ones_own_documents_with_links_that_open(address: str, folder: Path) -> None:
    page = requests.get(address, headers={HEADER: "ann@acme.example"}, timeout=60).text
    links = re.findall(r'href="/([^"]+)"', page)
    assert links
    assert "Bob" not in page
    assert {link.split("/")[1] for link in links} == set(files(folder)["person Ann"])
    for link in links:
        assert got(address, "ann@acme.example", link.split("/")[1]) == 200
    stranger = requests.get(address, headers={HEADER: "x@acme.example"}, timeout=60).text
    assert "There is nothing here for you." in stranger


def test_a_damaged_document_is_not_served(address: str, folder: Path) -> None:
    path = workspace_of(folder).published.documents(MONTH) / "company.pdf"
    path.write_bytes(path.read_bytes()[:-1])
    assert got(address, "md@acme.example", "company.pdf") == 503
    assert got(address, "ann@acme.example", "company.pdf") == 404


def test_recipients_that_cannot_be_read_are_said(address: str, folder: Path) -> None:
    (folder / "policy" / "recipients.toml").write_text("[[")
    for path in ("/", f"/{MONTH}/company.pdf"):
        answer = requests.get(address + path, headers={HEADER: "md@acme.example"}, timeout=60)
        assert (answer.status_code, answer.text) == (
            503,
            "The documents cannot be read now; tell whoever runs this.\n",
        )


def test_a_month_that_cannot_be_read_hides_no_other(address: str, folder: Path) -> None:
    workspace = workspace_of(folder)
    current = workspace.published.current(MONTH)
    assert current is not None
    for name in MONTHLY:
        table = workspace.published.read(name, MONTH)
        workspace.tables.write(
            name, MONTH.plus(1), table.assign(**{month_column(name): str(MONTH.plus(1))}), {}
        )
    workspace.published.publish(MONTH.plus(1), current.extract_id, NOW, "none")
    page = requests.get(address, headers={HEADER: "md@acme.example"}, timeout=60).text
    assert "<h2>2026-05</h2><p>The documents cannot be read now" in page
    assert "company.pdf" in page


def test_users_have_names_in_any_script_and_case(address: str, folder: Path) -> None:
    more = MORE.replace('"board"', '"Jürgen"')
    (folder / "policy" / "recipients.toml").write_text(RECIPIENTS + more)
    for user in ("Jürgen", "jürgen", "Ju\u0308rgen"):
        answer = requests.get(
            f"{address}/{MONTH}/company.pdf", headers={HEADER: user.encode()}, timeout=60
        )
        assert answer.status_code == 200


class TestLinks:
    @pytest.fixture
    def workspace(self, folder: Path) -> Workspace:
        return workspace_of(folder)

    def link(self, workspace: Workspace, address: str, title: str) -> DocumentLink:
        manifest = read_manifest(workspace.published.documents(MONTH))["documents"]
        entry = next(each for each in manifest if title in {each["title"], each["kind"]})
        return DocumentLink(MONTH, entry["file"], entry["sha256"], address)

    def test_a_link_opens_its_document_without_a_login(
        self, address: str, workspace: Workspace
    ) -> None:
        link = self.link(workspace, "ann@acme.example", "Ann")
        answer = requests.get(f"{address}/link/{signed(link, workspace.home, NOW)}", timeout=60)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")

    def test_a_link_to_what_its_reader_may_not_see_opens_nothing(
        self, address: str, workspace: Workspace
    ) -> None:
        link = self.link(workspace, "ann@acme.example", "Bob")
        answer = requests.get(f"{address}/link/{signed(link, workspace.home, NOW)}", timeout=60)
        assert answer.status_code == 404

    def test_who_was_struck_off_the_list_opens_nothing(
        self, address: str, folder: Path, workspace: Workspace
    ) -> None:
        text = signed(self.link(workspace, "board@acme.example", "company"), workspace.home, NOW)
        assert requests.get(f"{address}/link/{text}", timeout=60).status_code == 200
        (folder / "policy" / "recipients.toml").write_text(RECIPIENTS)
        assert requests.get(f"{address}/link/{text}", timeout=60).status_code == 404

    def test_a_link_of_another_key_or_changed_is_refused(
        self, address: str, workspace: Workspace, tmp_path: Path
    ) -> None:
        link = self.link(workspace, "ann@acme.example", "Ann")
        text = signed(link, workspace.home, NOW)
        (tmp_path / "other").mkdir()
        claims = jwt.decode(text, options={"verify_signature": False})
        for forged in (
            signed(link, tmp_path / "other", NOW),
            text[:-2] + ("aa" if text[-2:] != "aa" else "bb"),
            jwt.encode(claims | {"file": "company.pdf"}, "guess" * 8, "HS256"),
            jwt.encode(claims, None, "none"),  # type: ignore[arg-type]
            "x",
            "x" * 5000,
        ):
            assert requests.get(f"{address}/link/{forged}", timeout=60).status_code == 403

    def test_a_link_is_over_after_its_time(self, workspace: Workspace) -> None:
        link = self.link(workspace, "ann@acme.example", "Ann")
        text = signed(link, workspace.home, NOW)
        last = NOW + VALID_FOR - timedelta(seconds=1)
        assert opened(text, workspace.home, last) == link
        with pytest.raises(LinkRefused, match="this link is over"):
            opened(text, workspace.home, NOW + VALID_FOR)

    def test_the_key_is_the_owners_alone(self, workspace: Workspace) -> None:
        signed(self.link(workspace, "ann@acme.example", "Ann"), workspace.home, NOW)
        assert (workspace.home / "link.key").stat().st_mode & 0o777 == 0o600

    def test_a_damaged_key_is_said_to_us_and_not_to_readers(
        self, address: str, workspace: Workspace
    ) -> None:
        link = self.link(workspace, "ann@acme.example", "Ann")
        text = signed(link, workspace.home, NOW)
        (workspace.home / "link.key").write_bytes(b"")
        answer = requests.get(f"{address}/link/{text}", timeout=60)
        assert (answer.status_code, str(workspace.home) in answer.text) == (503, False)
        with pytest.raises(DamagedKey, match="link.key is damaged; delete it"):
            signed(link, workspace.home, NOW)

    def test_what_was_sent_opens_after_it_was_replaced(
        self, address: str, workspace: Workspace, tmp_path: Path
    ) -> None:
        link = self.link(workspace, "ann@acme.example", "Ann")
        text = signed(link, workspace.home, NOW)
        current = workspace.published.current(MONTH)
        assert current is not None
        (tmp_path / "new").mkdir()
        workspace.published.publish(
            MONTH, current.extract_id, NOW, "other", printed=_without(workspace, tmp_path / "new")
        )
        assert len(workspace.published.revisions(MONTH)) == 2
        assert requests.get(f"{address}/link/{text}", timeout=60).status_code == 200


def _without(workspace: Workspace, folder: Path) -> Path:
    """Return a folder with the company's pack only."""
    old = workspace.published.documents(MONTH)
    shutil.copy(old / "company.pdf", folder / "company.pdf")
    manifest = read_manifest(old)
    manifest["documents"] = [
        each | {"other_shapes": {}} for each in manifest["documents"] if each["kind"] == "company"
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
