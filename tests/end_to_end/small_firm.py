"""A small firm for tests that print: the deals of one person, so that a month has three documents."""

import shutil
from datetime import date
from pathlib import Path

from embedded_org.company import company, staff
from embedded_org.objects import Org

ROOT = Path(__file__).parents[2]
LAST_MONTH = (2026, 2)
# One person sits here from before the first deal on.
SEAT = 4
SELLERS = {
    person.user_id: person.username
    for person in staff()
    if person.seat == SEAT and person.is_here(date(2022, 12, 1))
}


def small_firm() -> Org:
    """Return the org of the firm, whose last closed month is February 2026."""
    firm = company(7, LAST_MONTH)
    firm.events = {
        deal: log
        for deal, log in firm.events.items()
        if {event.state.owner_id for event in log} <= SELLERS.keys()
    }
    return firm.org()


def policy_of_the_small_firm(folder: Path) -> Path:
    """Write the demo's policy with targets of the firm's people only, without what is stated of teams and clients, and return its folder."""
    shutil.copytree(ROOT / "policy", folder)
    for name in ("team_targets.csv", "agreements.csv", "capacity.csv"):
        (folder / name).unlink()
    titles, *targets = (folder / "targets.csv").read_text(encoding="utf-8").splitlines()
    ours = [line for line in targets if line.split(",")[1] in SELLERS.values()]
    (folder / "targets.csv").write_text("\n".join([titles, *ours]) + "\n", encoding="utf-8")
    return folder
