"""Headless Chromium as a peer of the publisher: one browser for all documents, driven over its DevTools pipe."""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "google-chrome",
    "google-chrome-stable",
)
SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--no-sandbox",  # root can't have one, Ubuntu grants none to a browser from outside its packages; the pages are our own
)
TICKS = os.sysconf("SC_CLK_TCK")
LOADED = "new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done)).then(() => 0)"
# Pictures and fonts; all else of a static document is there when setDocumentContent returns.
SETTLED = "Promise.all([document.fonts.ready, ...[...document.images].map(i => i.decode().catch(() => 0))]).then(() => 0)"


def executable() -> str | None:
    """Return the browser to use: $CHROMIUM, one on the path, or one that Playwright or Puppeteer fetched."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for found in map(shutil.which, NAMES):
        # Ubuntu's chromium is a snap: confined, with a /tmp of its own.
        if found and not os.path.realpath(found).endswith("/snap") and "/snap/" not in found:
            return found
    cache = Path.home() / ".cache"
    fetched = [
        each
        for where in ("ms-playwright", "puppeteer")
        for each in cache.glob(f"{where}/**/*headless*shell")
        if each.is_file()
    ]
    return str(max(fetched, key=lambda each: each.stat().st_mtime)) if fetched else None


class Browser:
    """One browser process with some tabs; pdf() may be called by as many threads as there are tabs."""

    def __init__(
        self, process: subprocess.Popen[bytes], tabs: int, base: Path | None, *, tagged: bool
    ) -> None:
        """Open the tabs; relative addresses of their documents are read from the folder `base`."""
        self.process, self.tagged = process, tagged
        self.peak_bytes = 0
        self._cpu: float | None = None
        self._ids, self._lock = itertools.count(1), threading.Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        threading.Thread(target=self._read, daemon=True).start()
        self.version: str = self._send("Browser.getVersion")["product"]
        self._tabs: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        for _ in range(tabs):
            target = self._send("Target.createTarget", url="about:blank")["targetId"]
            session = self._send("Target.attachToTarget", targetId=target, flatten=True)[
                "sessionId"
            ]
            # Only a tab that shows a folder may read files, and it keeps what it read: fonts are
            # parsed once.
            address = f"{base.resolve().as_uri()}/" if base else "about:blank"
            frame = self._send("Page.navigate", session, url=address)["frameId"]
            self._send("Runtime.evaluate", session, expression=LOADED, awaitPromise=True)
            self._tabs.put((session, frame))

    def pdf(self, html: str) -> bytes:
        """Print one document, in whatever tab is free."""
        session, frame = tab = self._tabs.get()
        try:
            self._send("Page.setDocumentContent", session, frameId=frame, html=html)
            self._send("Runtime.evaluate", session, expression=SETTLED, awaitPromise=True)
            printed = self._send(
                "Page.printToPDF",
                session,
                preferCSSPageSize=True,
                printBackground=True,
                generateTaggedPDF=self.tagged,
            )
        finally:
            self._tabs.put(tab)
        return base64.b64decode(printed["data"])

    def cpu_seconds(self) -> float:
        """Return user and system time of the browser and all its processes up to now (or up to its end)."""
        return (
            sum(_ticks(each) for each in self._family()) / TICKS if self._cpu is None else self._cpu
        )

    def sample(self) -> None:
        """Note the memory in use now: what each process has to itself, and its share of what is shared (PSS)."""
        self.peak_bytes = max(self.peak_bytes, sum(map(_pss, self._family())))

    def close(self) -> None:
        """Stop the browser; its times and its peak stay readable."""
        self._cpu = self.cpu_seconds()
        with suppress(OSError, RuntimeError, TimeoutError):
            self._send("Browser.close")
        _end(self.process)

    def _family(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                children.setdefault(int(_stat(int(folder.name))[1]), []).append(int(folder.name))
        found = [self.process.pid]
        for each in found:
            found += children.get(each, [])
        return found

    def _send(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        message = {"id": next(self._ids), "method": method, "params": params} | (
            {"sessionId": session} if session else {}
        )
        answer = self._waiting[message["id"]] = Future()
        with self._lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\0")
            self.process.stdin.flush()
        return answer.result(120)

    def _read(self) -> None:
        rest = bytearray()
        while chunk := os.read(self.process.stdout.fileno(), 1 << 20):
            *whole, last = chunk.split(b"\0")
            for each in whole:
                message, rest = json.loads(bytes(rest) + each), bytearray()
                if answer := self._waiting.pop(message.get("id"), None):
                    if "error" in message:
                        answer.set_exception(RuntimeError(message["error"]["message"]))
                    else:
                        answer.set_result(message["result"])
            rest += last
        self.process.stdout.close()
        while self._waiting:
            self._waiting.popitem()[1].set_exception(RuntimeError("Chromium ended early"))


@contextmanager
def browser(
    tabs: int = 1, base: Path | None = None, *, tagged: bool = True, watch: float | None = None
) -> Iterator[Browser]:
    """Start a browser, and note its memory every so many seconds if wanted (this costs time: not in a timed run)."""
    if not (path := executable()):
        raise FileNotFoundError(
            "no Chromium here: apt-get install chromium-headless-shell (Debian), or name one in $CHROMIUM"
        )
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        tempfile.TemporaryFile() as log,
    ):
        # Chromium reads commands from descriptor 3 and answers on 4.
        process = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                'exec "$0" "$@" 3<&0 4>&1 </dev/null >&2',
                path,
                *SWITCHES,
                f"--user-data-dir={profile}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            printer = Browser(process, tabs, base, tagged=tagged)
        except (OSError, RuntimeError, TimeoutError) as error:
            _end(process, patience=0)
            log.seek(0)
            raise RuntimeError(
                f"{path} did not start: {log.read()[-2000:].decode(errors='replace')}"
            ) from error
        done = threading.Event()
        watcher = threading.Thread(
            target=lambda: [printer.sample() for _ in iter(lambda: done.wait(watch), True)]
        )
        if watch:
            watcher.start()
        try:
            yield printer
        finally:
            done.set()
            if watch:
                watcher.join()
            printer.close()


def _end(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with suppress(OSError):
        process.stdin.close()


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _ticks(pid: int) -> int:
    with suppress(OSError):
        return sum(
            map(int, _stat(pid)[11:15])
        )  # its own time, and that of children that ended and were waited for
    return 0


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
