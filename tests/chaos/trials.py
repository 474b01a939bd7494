"""What is done to a home, one trial at a time, and the verdict on it.

Put a kind of trial here, as a function of the firm and of chance. A home survives where the same
command, or the one that a sentence names, brings everything back as if nothing had happened.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path

from tests.chaos.homes import FIRST, SECOND, THIRD, Done, Firm, State, set_clock
from tests.chaos.stored import KINDS, ONLY_HERE, WAYS, files_of

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("report", str(THIRD)),
    ("report", str(SECOND), "--fresh-extract"),
    ("restate", str(FIRST), "--yes", "--fresh-extract"),
    ("backfill", f"{SECOND},{THIRD}"),
    ("check", "--stored", "--repair"),
    ("export", str(SECOND)),
    ("revisions", str(SECOND)),
    ("approve", str(SECOND), "--name", "The Director"),
    ("deliver", str(SECOND)),
)
OVERLAPS = (
    (COMMANDS[0], COMMANDS[0]),
    (COMMANDS[0], COMMANDS[1]),
    (COMMANDS[1], COMMANDS[1]),
    (COMMANDS[2], COMMANDS[2]),
    (COMMANDS[3], COMMANDS[0]),
    (COMMANDS[1], COMMANDS[4]),
    (COMMANDS[1], COMMANDS[5]),
)
CLOCKS = [timedelta(days=days) for days in (-400, -40, -1, 1, 40, 400)]
NOT_SENT = ("unknown:", "waiting:", "refused:")
DISK = 110  # MB of a disk that fills up while a command is at work


@dataclass
class Verdict:
    """How often something was tried, how it went, and what was lost or wrong, with its seed."""

    tried: int = 0
    survived: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


def kill(firm: Firm, chance: random.Random, verdict: Verdict) -> None:
    """Kill a command at a random instant; the same command then does what it would have done."""
    words = chance.choice(COMMANDS)
    usual, wanted = reference(firm, words)
    home = firm.copy()
    after = chance.uniform(0.01, max(usual.seconds, 0.02))
    ended = firm.start(home, words, killed_after=after).wait()
    again = firm.run(home, *words)
    what = f"{' '.join(words)} killed after {after:.2f} s ({ended.code})"
    if words[0] == "deliver":
        judge_mails(verdict, firm, home, what, again.said)
    else:
        _judge(verdict, firm, home, wanted, what, [again])


def overlap(firm: Firm, chance: random.Random, verdict: Verdict) -> None:
    """Run two commands at once: both do their work, one after the other where they must."""
    pair = chance.choice(OVERLAPS)
    wanted = _both(firm, *pair)
    home = firm.copy()
    running = [firm.start(home, words) for words in pair]
    ended = [each.wait() for each in running]
    _judge(verdict, firm, home, wanted, " beside ".join(map(" ".join, pair)), ended)


def clock(firm: Firm, chance: random.Random, verdict: Verdict) -> None:
    """Run a command while the clock is wrong, then again when it is right."""
    words, shift = chance.choice(COMMANDS), chance.choice(CLOCKS)
    _, wanted = reference(firm, words)
    home = firm.copy()
    odd = firm.start(home, words, prepare=partial(set_clock, shift)).wait()
    what = f"{' '.join(words)} with the clock set by {shift.days} days ({odd.code}: {_last(odd)})"
    again = firm.run(home, *words)
    _judge(verdict, firm, home, wanted, what, [again] if odd.is_clean else [odd, again])


def fill_disk(firm: Firm, chance: random.Random, verdict: Verdict) -> None:
    """Let the disk fill up at a random instant; the command says so, and does its work once there is room."""
    words = chance.choice(COMMANDS[:4])
    usual, wanted = reference(firm, words)
    with small_disk(firm.folder) as disk:
        home = disk / "home"
        shutil.copytree(firm.home, home)
        filler = os.fork()
        if not filler:
            _fill(disk / "filler", chance.uniform(0.1, usual.seconds))
        ended = firm.run(home, *words)
        os.kill(filler, 9)
        os.waitpid(filler, 0)
        (disk / "filler").unlink(missing_ok=True)
        again = firm.run(home, *words)
        what = f"{' '.join(words)} on a disk that fills up ({ended.code}: {_last(ended)})"
        names_it = ended.code == 0 or "is full" in ended.said or "MB left" in ended.said
        _judge(verdict, firm, home, wanted, what, [again] if names_it else [ended, again])


def damage(firm: Firm, chance: random.Random, verdict: Verdict) -> None:
    """Cut, empty, spoil or delete a stored file; the check names it and brings it back, or says that a backup must."""
    home = firm.copy()
    kind, how = chance.choice(list(KINDS)), chance.choice(list(WAYS))
    path = chance.choice(files_of(home, kind))
    WAYS[how](path)
    checked = firm.run(home, "check", "--stored", "--repair")
    again = firm.run(home, "report", str(SECOND))
    what = f"{kind} {how}: {path.relative_to(home)} ({_last(checked)})"
    if kind in ONLY_HERE and not (checked.code == 0 == again.code):
        is_said = checked.is_clean and again.is_clean
        words = checked.said + again.said
        is_named = "backup" in words or "lost" in words
        _note(verdict, what, "refused" if is_said and is_named else "no sentence names the cure")
        return
    _, wanted = reference(firm, ("report", str(SECOND)))
    _judge(verdict, firm, home, wanted, what, [checked, again])


@lru_cache(maxsize=64)
def reference(firm: Firm, words: tuple[str, ...]) -> tuple[Done, State]:
    """Return how a command ends, and what a home holds after it, when nothing goes wrong."""
    home = firm.copy()
    done = firm.run(home, *words)
    assert done.code == 0, done.said
    return done, firm.state(home)


@lru_cache(maxsize=64)
def _both(firm: Firm, first: tuple[str, ...], second: tuple[str, ...]) -> State:
    home = firm.copy()
    for words in (first, second):
        done = firm.run(home, *words)
        assert done.code == 0, done.said
    return firm.state(home)


def _judge(
    verdict: Verdict, firm: Firm, home: Path, wanted: State, what: str, ended: Sequence[Done]
) -> None:
    """Note whether everything is as it should be, and remove the copy where it is."""
    faults = [f"{each.code}: {_last(each)}" for each in ended if each.code]
    found = firm.state(home)
    if found.damaged:
        faults.append(f"damaged: {found.damaged[0]}")
    if found.unfinished:
        faults.append(f"{found.unfinished} runs are not ended")
    if found.current != wanted.current:
        faults.append(f"numbers differ: {_differing(found.current, wanted.current)}")
    before = {month: revisions[1] for month, revisions in found.numbers.items()}
    if any(before.get(month, first[1]) != first[1] for month, first in wanted.numbers.items()):
        faults.append("a first revision changed")
    _note(verdict, what, "; ".join(faults))
    if not faults and home.parent.name.startswith("copy-"):
        shutil.rmtree(home.parent)


def judge_mails(verdict: Verdict, firm: Firm, home: Path, what: str, said: str) -> None:
    """Note whether everybody got their mail once, or it is said that nobody knows."""
    got, wanted = (
        Counter(line.split()[0] for line in firm.mails(each))
        for each in (home, reference_home(firm))
    )
    twice = got - wanted
    named = [line for line in said.splitlines() if line.startswith(NOT_SENT)]
    missed = [each for each in wanted - got if not any(each in line for line in named)]
    fault = f"sent twice: {sorted(twice)}" if twice else f"lost: {sorted(missed)}" if missed else ""
    _note(verdict, what, fault)
    if not fault:
        shutil.rmtree(home.parent)


@lru_cache(maxsize=1)
def reference_home(firm: Firm) -> Path:
    """Return a home that delivered undisturbed."""
    home = firm.copy()
    firm.run(home, "deliver", str(SECOND))
    return home


def _note(verdict: Verdict, what: str, fault: str) -> None:
    verdict.tried += 1
    if fault == "refused":
        verdict.refused += 1
    elif fault:
        verdict.failures.append(f"{what}: {fault}")
    else:
        verdict.survived += 1


def _differing(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    return ", ".join(
        sorted(
            month for month in found.keys() | wanted.keys() if found.get(month) != wanted.get(month)
        )
    )


def _last(done: Done) -> str:
    lines = [line for line in done.said.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""


class NoDisk(RuntimeError):
    """This machine does not let us mount a small disk."""


@contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    """Yield a disk of its own, in memory; raises `NoDisk`."""
    place = Path(tempfile.mkdtemp(dir=folder, prefix="disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        raise NoDisk("a full disk is tried as root only, where mounting is allowed")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(path: Path, seconds: float) -> None:
    """Wait until a command has worked for a while, then take what room is left, and wait to be ended."""
    time.sleep(seconds)
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            signal.pause()
