"""Homes to be ill-treated: a small firm whose org is served by a process of its own, and commands that run in forks.

Put here how a command is run, killed and judged; what is done to homes is in the modules beside it.
A fork of a process that has imported everything starts at once, and a timer of the kernel ends it at
any instant, also inside of libraries that are not Python. The process that forks starts no thread.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from app.cli import app as cli
from connectors.storage.publications import Publication
from orchestration import instance, local_runs, resources
from orchestration.live_runs import UNFINISHED
from publication import stored_check
from publication.workspace import Workspace
from reports import publisher
from sales.calendar import Month
from sales.errors import UserError
from tests.end_to_end.small_firm import policy_of_the_small_firm

# What commands import when they begin is imported by them all at once here.
LOADED = (cli, local_runs, publisher)
SECRET = "s3cret"  # of an org of this machine
FIRST, SECOND, THIRD = Month(2025, 12), Month(2026, 1), Month(2026, 2)
LONGEST = 240  # seconds of CPU: a command that takes more hangs
ROOT = Path(__file__).parents[2]
NOTHING_ELSE: Mapping[str, str] = {}
# Instants of reading differ from run to run.
OF_THE_READING = {"extracted_at"}

_Value = TypeVar("_Value")
Numbers = dict[str, dict[int, dict[str, str]]]


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, negative where a signal ended it, what it said, and its seconds of CPU."""

    code: int
    said: str
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether it did its work, or said in one sentence why not."""
        is_sentence = "unexpected" not in self.said and "Traceback" not in self.said
        return self.code == 0 or (self.code == 1 and is_sentence)


@dataclass(frozen=True)
class State:
    """What a home holds: the numbers of each revision of each month, what is damaged, and runs that are not ended."""

    numbers: Numbers
    damaged: tuple[str, ...]
    unfinished: int

    @property
    def current(self) -> dict[str, dict[str, str]]:
        """The numbers that readers see of each month."""
        return {month: revisions[max(revisions)] for month, revisions in self.numbers.items()}


@dataclass(frozen=True)
class Firm:
    """A folder with a policy, a home in which two months are published, and the addresses of org and mail server."""

    folder: Path
    address: str
    mail_port: str

    @property
    def home(self) -> Path:
        """The home that others are copies of; nothing is done to it."""
        return self.folder / "home"

    def copy(self) -> Path:
        """Return a copy of the home, whose files are its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="copy-"))
        shutil.copytree(self.home, folder / "home")
        return folder / "home"

    def environment(self, home: Path) -> Mapping[str, str]:
        """Return the settings of a command."""
        return {
            "ONPACE_HOME": str(home),
            "ONPACE_POLICY": str(self.folder / "policy"),
            "SALESFORCE_LOCAL_URL": self.address,
            "SALESFORCE_CLIENT_ID": "me",
            "SALESFORCE_CLIENT_SECRET": SECRET,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": self.mail_port,
            "SMTP_SECURITY": "none",
            "SMTP_FROM": f"reports@{domain_of(home)}",
        }

    def mails(self, home: Path) -> list[str]:
        """Return what the mail server accepted from the homes of a folder: recipient and Message-ID of each, in order."""
        path = self.folder / "mails"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line.endswith(f"@{domain_of(home)}>")]

    def start(
        self,
        home: Path,
        words: Sequence[str],
        *,
        killed_after: float = 0,
        settings: Mapping[str, str] = NOTHING_ELSE,
        prepare: Callable[[], None] = lambda: None,
    ) -> Running:
        """Start a command in a fork, which `prepare` prepares: ended after so many seconds of its CPU, if any are said."""
        said = home.parent / f"said-{time.monotonic_ns()}"
        process = os.fork()
        if not process:
            prepare()
            environment = {**self.environment(home), **settings}
            _be_a_command(environment, words, said, killed_after or LONGEST)
        return Running(process, said)

    def run(self, home: Path, *words: str) -> Done:
        """Run a command to its end."""
        return self.start(home, words).wait()

    def state(self, home: Path) -> State:
        """Return what a home holds, as another process sees it."""

        def look() -> State:
            self.set_environment(home)
            return _state()

        return in_fork(look)

    def set_environment(self, home: Path) -> None:
        """Let this process, a fork, use a home."""
        os.environ.update(self.environment(home))


@dataclass(frozen=True)
class Running:
    """A command at work."""

    process: int
    said: Path

    def wait(self) -> Done:
        """Return how it ended."""
        _, status, used = os.wait4(self.process, 0)
        text = self.said.read_text(encoding="utf-8", errors="replace")
        return Done(os.waitstatus_to_exitcode(status), text, used.ru_utime + used.ru_stime)


@contextmanager
def firm() -> Iterator[Firm]:
    """Yield the firm, with two months published; all of it is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="onpace-chaos-") as name, _servers(name) as addresses:
        folder = Path(name)
        policy_of_the_small_firm(folder / "policy")
        made = Firm(folder, *addresses)
        made.home.mkdir(mode=0o700)
        for month in (FIRST, SECOND):
            done = made.run(made.home, "report", str(month))
            if done.code:
                sys.exit(f"the firm's own months could not be made: {done.said}")
        yield made


def in_fork(work: Callable[[], _Value]) -> _Value:
    """Return what a function returns in a fork of this process: no cache and no thread of it stays here."""
    with tempfile.NamedTemporaryFile() as answer:
        process = os.fork()
        if not process:
            try:
                Path(answer.name).write_bytes(pickle.dumps(work()))
            except BaseException:  # noqa: BLE001  # told, and the fork ends here
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
            sys.exit("a home could not be judged")
        found: _Value = pickle.loads(Path(answer.name).read_bytes())  # noqa: S301  # our own
        return found


def domain_of(home: Path) -> str:
    """Return the domain that the homes of a folder send from: every mail's id tells whose it is."""
    return f"{hashlib.sha256(str(home.parent).encode()).hexdigest()[:16]}.example"


@contextmanager
def _servers(folder: str) -> Iterator[list[str]]:
    """Yield the addresses of the firm's org and of a mail server, served by another process."""
    command = [sys.executable, "-m", "tests.chaos.servers", SECRET, folder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()
        finally:
            server.terminate()


def set_clock(shift: timedelta) -> None:
    """Set the clock of this process's workspaces, a fork's, forward or back."""
    usual = resources.make_workspace

    def shifted() -> Workspace:
        return replace(usual(), now=lambda: datetime.now(UTC) + shift)

    resources.make_workspace = shifted


def _be_a_command(
    environment: Mapping[str, str], words: Sequence[str], said: Path, seconds: float
) -> None:
    """Be the command line in this fork, and end with it."""
    os.setsid()
    os.environ.update(environment)
    handle = os.open(said, os.O_WRONLY | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    sys.argv = ["onpace", *words]
    signal.setitimer(signal.ITIMER_PROF, seconds)
    code = 1
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # judged by what it said
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _state() -> State:
    workspace = resources.make_workspace()
    published = workspace.published
    numbers: Numbers = {}
    for month in published.months():
        for each in published.revisions(month):
            numbers.setdefault(str(month), {})[each.revision] = {
                name: _digest_of(workspace, each, name) for name in sorted(each.tables)
            }
    damaged = [each.sentence for each in stored_check.examine(workspace)]
    unfinished = 0
    try:
        with instance.dagster_instance() as opened:
            unfinished = len(opened.get_runs(dg.RunsFilter(statuses=UNFINISHED)))
    except OSError as unusable:
        damaged.append(str(unusable))
    return State(numbers, tuple(damaged), unfinished)


def _digest_of(workspace: Workspace, publication: Publication, name: str) -> str:
    try:
        return digest(workspace.published.table(publication, name))
    except UserError as damaged:
        return str(damaged)


def digest(table: Any) -> str:  # a frame
    """Return a digest of a table's numbers."""
    kept = [name for name in table.columns if name not in OF_THE_READING]
    return hashlib.sha256(table[kept].to_csv(index=False).encode()).hexdigest()[:16]
