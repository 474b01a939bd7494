"""The campaign: `python -m tests.chaos --seed 1 --kills 40 --overlaps 8 --clocks 6 --disks 4 --damages 20 --machines 8 --flips 1500`.

Prints, of each kind of trial, how many were tried, survived and refused with a sentence that names
the cure, and what was lost or wrong, with the seed that shows it again. Ends with 1 if anything was.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice

from tests.chaos.homes import Firm, firm
from tests.chaos.machines import SharedLedger, shared_ledgers
from tests.chaos.stored import FLIPPED, FLIPPED_CATALOGUE, flips
from tests.chaos.trials import NoDisk, Verdict, clock, damage, fill_disk, kill, overlap

Trial = Callable[[random.Random, Verdict], None]
TRIALS: dict[str, tuple[Callable[[Firm, random.Random, Verdict], None], int]] = {
    "kills": (kill, 40),
    "overlaps": (overlap, 7),
    "clocks": (clock, 6),
    "disks": (fill_disk, 4),
    "damages": (damage, 20),
}
MACHINES, FLIPS, CATALOGUE_FLIPS = 8, 1500, 60


def main() -> int:
    """Run the campaign and return the exit code."""
    asked = _arguments()
    lost = 0
    with firm() as small:
        for name, (trial, _) in TRIALS.items():
            lost += _tried(name, asked.seed, [partial(trial, small)] * getattr(asked, name))
        if asked.machines:
            with shared_ledgers(small) as ledgers:
                each_in_turn = islice(cycle(ledgers), asked.machines)
                trials: list[Trial] = [
                    partial(each.trial, number) for number, each in enumerate(each_in_turn)
                ]
                lost += _tried("machines", asked.seed, trials)
        for name, kinds in (("flips", FLIPPED), ("catalogue_flips", (FLIPPED_CATALOGUE,))):
            lost += _flipped(small, name, kinds, asked.seed, getattr(asked, name))
    return int(lost > 0)


def _tried(name: str, seed: int, trials: Sequence[Trial]) -> int:
    verdict = Verdict()
    for n, trial in enumerate(trials):
        known = len(verdict.failures)
        try:
            trial(random.Random(f"{name} {seed} {n}"), verdict)  # noqa: S311  # chance, no secret
        except NoDisk as none:
            print(f"{name}: not tried: {none}")
            return 0
        for failure in verdict.failures[known:]:
            print(f"  seed {seed}, trial {n}: {failure}", flush=True)
    print(
        f"{name}: {verdict.tried} tried, {verdict.survived} survived, {verdict.refused} refused with the cure, {len(verdict.failures)} lost or wrong",
        flush=True,
    )
    return len(verdict.failures)


def _flipped(small: Firm, name: str, kinds: tuple[str, ...], seed: int, count: int) -> int:
    found = flips(small, random.Random(f"{name} {seed}"), count, kinds)  # noqa: S311
    for wrong in found["wrong"]:
        print(f"  seed {seed}: {wrong}", flush=True)
    numbers = ", ".join(f"{len(each)} {outcome}" for outcome, each in found.items())
    print(f"{name}: {count} tried, {numbers}", flush=True)
    return len(found["wrong"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="make chaos")
    parser.add_argument("--seed", type=int, default=1)
    for name, (trial, count) in TRIALS.items():
        parser.add_argument(f"--{name}", type=int, default=count, help=trial.__doc__)
    parser.add_argument("--machines", type=int, default=MACHINES, help=SharedLedger.trial.__doc__)
    parser.add_argument("--flips", type=int, default=FLIPS)
    parser.add_argument("--catalogue-flips", type=int, default=CATALOGUE_FLIPS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
