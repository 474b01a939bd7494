"""Mutation testing of `sales/`: small changes are planted in the core, one at a time, and the tests of the core must notice.

Run `make mutants`, or `python -m benchmarks.mutants --seed 1 --count 300 --minutes 30`. mutmut makes
the changes and runs, for each, the tests that reach the function. What is tried is a sample, drawn
by the seed; changes of texts are left out, because names of columns are always noticed and words of
messages are no numbers. Survivors that change nothing stand in `equivalent_mutants.toml`, each with
the reason. It works in a copy, `build/mutants`, and ends with 1 where less than 90 % are noticed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "mutants"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")
# The fewest mutants of a module: a run of mutmut that makes all mutants and learns which test reaches what.
SMALLEST = "sales.periods.*"
GOAL = 0.9
TEXT = re.compile(r'f?"[^"]*"')


@dataclass(frozen=True)
class Mutant:
    """A planted change: mutmut's name of it, the function, and the lines taken out and put in."""

    name: str
    function: str
    removed: str
    added: str

    @property
    def is_of_a_text(self) -> bool:
        """Return whether only a text is changed."""
        return TEXT.sub('""', self.removed) == TEXT.sub('""', self.added)


def main() -> int:
    """Plant a sample of changes and print which were noticed; 0 where at least 90 % were."""
    asked = _arguments()
    _copy()
    _run_mutmut([SMALLEST])
    sample = _sample(asked.seed, asked.count)
    print(f"{len(sample)} mutants of sales/, seed {asked.seed}, at most {asked.minutes} minutes")
    _run_mutmut([each.name for each in sample], minutes=asked.minutes)
    return _report(sample, _exit_codes())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which sample is drawn")
    parser.add_argument("--count", type=int, default=300, help="how many mutants are tried")
    parser.add_argument("--minutes", type=float, default=30, help="after which no more are tried")
    return parser.parse_args()


def _copy() -> None:
    """Copy what git knows, so that nothing is written beside the code."""
    shutil.rmtree(WORK, ignore_errors=True)
    known = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, known.stdout.split("\0")):
        target = WORK / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)


def _run_mutmut(names: Sequence[str], minutes: float | None = None) -> None:
    """Run mutmut on mutants by name; what is not decided in time stays undecided."""
    with (
        (WORK / "mutmut.log").open("ab") as log,
        subprocess.Popen(
            [Path(sys.executable).with_name("mutmut"), "run", *names],
            cwd=WORK,
            env=os.environ | {"ONPACE_TESTS": "quick"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running,
    ):
        try:
            code = running.wait(None if minutes is None else minutes * 60)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGINT)
            code = 0
    if code:
        raise SystemExit(f"mutmut failed; its words stand in {WORK / 'mutmut.log'}")


def _exit_codes() -> dict[str, int | None]:
    """Return what the tests said of each mutant: 0 where all passed, 33 where none reaches it, none where it was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted((WORK / "mutants" / "sales").rglob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def _sample(seed: int, count: int) -> list[Mutant]:
    names = sorted(_exit_codes())
    random.Random(seed).shuffle(names)  # noqa: S311
    wanted = (each for each in _mutants(names) if not each.is_of_a_text)
    return [each for _, each in zip(range(count), wanted, strict=False)]


def _mutants(names: Sequence[str]) -> Iterator[Mutant]:
    os.chdir(WORK)  # where mutmut looks for its mutants
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant

    for name in names:
        lines = get_diff_for_mutant(name, path=find_mutant(name).path).splitlines()[2:]
        removed, added = (
            " ".join(line[1:].strip() for line in lines if line.startswith(sign))
            for sign in ("-", "+")
        )
        function = re.sub(r"__mutmut_\d+$", "", name).replace("x_", "").replace("xǁ", "")
        yield Mutant(name, function.replace("ǁ", "."), removed, added)


def _report(sample: Sequence[Mutant], exit_codes: dict[str, int | None]) -> int:
    reasons = {
        (each["function"], each["removed"], each["added"]): each["reason"]
        for each in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]
    }
    tried = [each for each in sample if exit_codes[each.name] is not None]
    survived = [each for each in tried if exit_codes[each.name] in (0, 33)]
    equal = [each for each in survived if _key(each) in reasons]
    judged, missed = len(tried) - len(equal), len(survived) - len(equal)
    by_room = Counter(each.function.split(".")[1] for each in tried)
    for room, number in sorted(by_room.items()):
        gone = sum(
            1
            for each in survived
            if each.function.split(".")[1] == room and _key(each) not in reasons
        )
        print(f"  {room:<16}{number - gone:>4} of {number:>4} noticed")
    for each in survived:
        print(f"\n{each.function}{'' if exit_codes[each.name] == 0 else ' (no test reaches it)'}")
        print(f"  - {each.removed}\n  + {each.added}")
        if _key(each) in reasons:
            print(f"  the same: {reasons[_key(each)]}")
    share = (judged - missed) / judged if judged else 0.0
    print(
        f"\n{len(sample)} drawn, {len(tried)} tried, {len(equal)} change nothing, "
        f"{judged - missed} of {judged} noticed: {share:.1%} (goal: {GOAL:.0%})"
    )
    return int(share < GOAL)


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.function, mutant.removed, mutant.added


if __name__ == "__main__":
    raise SystemExit(main())
