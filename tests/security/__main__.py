"""Hostile inputs in numbers: `python -m tests.security --inputs 1000000 --seed 1`.

Tries so many inputs on all ways in from outside, as many on each, and prints how many were tried and
held; what broke is printed in its smallest form. Ends with 1 if anything broke.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.security.inputs import WAYS_IN

INPUTS = 1_000_000
# What one process tries at once: Hypothesis remembers what it tried.
AT_ONCE = 5_000


def main() -> int:
    """Try inputs in as many processes as there are cores, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make security")
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    each = max(asked.inputs // len(WAYS_IN), 1)
    rounds = [
        (name, asked.seed * 1_000_003 + begin, min(AT_ONCE, each - begin))
        for name in WAYS_IN
        for begin in range(0, each, AT_ONCE)
    ]
    tried, broke = dict.fromkeys(WAYS_IN, 0), dict.fromkeys(WAYS_IN, 0)
    with multiprocessing.Pool(os.cpu_count(), maxtasksperchild=8) as processes:
        for name, count, fault in processes.imap_unordered(_round, rounds):
            tried[name] += count
            broke[name] += bool(fault)
            if fault and broke[name] == 1:  # one is enough to begin with
                print(f"  {name}: {fault}", flush=True)
    for name, count in tried.items():
        print(f"{name}: {count:,} tried, {'held' if not broke[name] else 'BROKE'}")
    print(f"{sum(tried.values()):,} inputs tried, {sum(map(bool, broke.values()))} ways in broke")
    return int(any(broke.values()))


def _round(asked: tuple[str, int, int]) -> tuple[str, int, str]:
    """Try some inputs on one way in; return how many were tried, and the smallest that broke it."""
    name, seed, count = asked
    way, tried = WAYS_IN[name], 0

    def one(value: object) -> None:
        nonlocal tried
        tried += 1
        way.try_one(value)

    try:
        settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(seeded(seed)(given(way.comes)(one)))()
    except Exception as fault:  # noqa: BLE001  # it is what is looked for
        notes = " ".join(getattr(fault, "__notes__", ()))
        return name, tried, f"seed {seed}: {type(fault).__name__}: {fault}: {notes}"[:600]
    return name, tried, ""


if __name__ == "__main__":
    sys.exit(main())
