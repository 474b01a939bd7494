"""Changes every raw column, one at a time, under each policy, and prints what declared lineage does not know of.

    python -m benchmarks.lineage

Takes some minutes. Prints what moved without having the column among its ancestors, columns that
moved nothing although somebody reads them, and how many declared pairs of a published and a raw
column were seen to move.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from assets.metadata.lineage import LINEAGE
from sales.errors import UserError
from tests.assets.metadata.experiment import DESCENDANTS, moved_by, undeclared
from tests.assets.rich_firm import BY_ROLE, OTHER, PLAIN

POLICIES = {"plain": PLAIN, "other": OTHER, "other, by role": BY_ROLE}


def main() -> None:
    """Run the experiment."""
    seen: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, policy in POLICIES.items():
        with TemporaryDirectory() as folder:
            for raw in DESCENDANTS:
                try:
                    found = moved_by(policy, Path(folder), [raw])
                except UserError as refused:
                    print(f"{name}: {'.'.join(raw)} is refused: {refused}"[:200])
                    continue
                seen.setdefault(raw, set()).update(found)
                for each in sorted(undeclared(LINEAGE, [raw], found)):
                    print(
                        f"{name}: {'.'.join(each)} moves with {'.'.join(raw)}, and does not say so"
                    )
    silent = [
        ".".join(raw)
        for raw, descendants in DESCENDANTS.items()
        if descendants and not seen.get(raw)
    ]
    pairs = sum(map(len, DESCENDANTS.values()))
    print(f"moved nothing: {', '.join(silent) or 'none'}")
    print(
        f"{sum(len(DESCENDANTS[raw] & moved) for raw, moved in seen.items())} of {pairs} declared pairs were seen to move"
    )


if __name__ == "__main__":
    main()
