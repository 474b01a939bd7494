"""Notices over HTTP, to a webhook of our own: what arrives, and what is said where nobody takes them."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.delivery.notices import MOST_WORDS, Notices, NoticeUnusable, slack_address


class Hook:
    """What a webhook was posted, and how it is to answer."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.status = 200
        self.port = 0


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the server's name
            length = int(self.headers["Content-Length"])
            found.posts.append(json.loads(self.rfile.read(length)))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


def to(hook: Hook, key: str = "") -> str:
    return f"json://127.0.0.1:{hook.port}/{key}"


def test_words_and_a_picture_arrive_as_they_are(hook: Hook, tmp_path: Path) -> None:
    picture = tmp_path / "company.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n picture")
    words = "<b>Acme</b> & *Söhne*: €1m\nsecond line"
    Notices([to(hook)]).tell("April to date", words, picture)
    (post,) = hook.posts
    assert (post["title"], post["message"]) == ("April to date", words)
    (file,) = post["attachments"]
    assert (file["filename"], file["mimetype"]) == ("company.png", "image/png")
    assert base64.b64decode(file["base64"]) == picture.read_bytes()


def test_a_million_letters_are_cut(hook: Hook) -> None:
    Notices([to(hook)]).tell("t", "x" * 1_000_000)
    assert sum(len(post["message"]) for post in hook.posts) <= MOST_WORDS


def test_one_place_that_refuses_keeps_no_other_from_hearing_of_it(hook: Hook) -> None:
    other = "json://127.0.0.1:1/planted-key"
    with pytest.raises(NoticeUnusable, match=r"not taken by address 1 \(JSON\)") as fault:
        Notices([other, to(hook)]).tell("t", "words")
    assert len(hook.posts) == 1
    assert "planted-key" not in str(fault.value)
    hook.status = 500
    with pytest.raises(NoticeUnusable):
        Notices([to(hook)]).tell("t", "words")


@pytest.mark.parametrize("address", ["planted-key", "nosuch://planted-key/x", "", "file:///etc"])
def test_an_address_that_is_none_is_told_without_it(address: str) -> None:
    with pytest.raises(NoticeUnusable, match="address 1 of ONPACE_NOTICES is none") as fault:
        Notices([address]).check()
    assert "planted-key" not in str(fault.value)


def test_a_slack_channel_is_an_address_and_no_key_is_shown() -> None:
    notices = Notices([slack_address("xoxb-1234567890-1234567890123-planted", "#sales")])
    notices.check()
    assert "planted" not in repr(notices)
