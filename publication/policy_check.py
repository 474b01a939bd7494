"""Everything that is wrong with a policy folder, at once: for whoever has just written it.

Put here what is found by looking at files; targets are `target_check`, a month is refused by
`preconditions`. Nothing is vouched for that was not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.policy.folder import read_policies, read_recipients, read_text
from connectors.policy.plan_scenarios import changes_by_person, read_scenario, scenario_files
from publication.finding import Finding, Known, Weight
from publication.target_check import examine_targets, examine_targets_alone
from publication.workspace import PageRules
from sales.calendar import Month
from sales.delivery import recipients
from sales.delivery.recipients import TEAM, RecipientBook
from sales.errors import UserError
from sales.history.extract import people_of
from sales.policy.reading import policy_faults
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook
from sales.policy.sections import FILE_NAME

# Domains of examples (RFC 2606): whoever has one copied it.
RESERVED = {"example.com", "example.org", "example.net"}
RESERVED_ENDS = (".example", ".invalid")


def examine_policy(
    folder: Path, known: Known | None, month: Month, pages: PageRules
) -> Iterator[Finding]:
    """Yield what is wrong with a policy folder, for the report of a month."""
    if not folder.is_dir():
        yield Finding(
            Weight.STOPS,
            f"there is no policy folder: {folder} does not exist; `onpace init DIR` writes one with every owner in it",
        )
        return
    faults = list(_faults_of_files(folder))
    yield from faults
    yield from _recipients(folder, known)
    yield from _scenarios(folder, known)
    if faults:
        yield Finding(
            Weight.NOTE, "targets and pages were not looked at, because the policy cannot be read"
        )
        return
    try:
        rules = _rules(read_policies(folder), known, month)
    except UserError as fault:
        yield Finding(Weight.STOPS, str(fault))
        return
    try:
        pages.check_theme(folder, rules)
    except UserError as fault:
        yield Finding(Weight.STOPS, str(fault))
    if known is None:
        yield from examine_targets_alone(folder, rules)
    else:
        yield from examine_targets(folder, rules, known, month)


def _faults_of_files(folder: Path) -> Iterator[Finding]:
    years = 0
    for path in sorted(folder.glob("*.toml")):
        if path.name == recipients.FILE_NAME:
            continue
        if not FILE_NAME.fullmatch(path.name):
            yield Finding(
                Weight.STOPS,
                f"{path.name} is not a policy file; name it after its fiscal year, such as fy2027.toml",
            )
            continue
        years += 1
        try:
            sentences = policy_faults(read_text(path), path.name)
        except UserError as fault:
            sentences = [str(fault)]
        yield from (Finding(Weight.STOPS, each) for each in sentences)
    if not years:
        yield Finding(
            Weight.NOTE,
            f"{folder} has no fyYYYY.toml: defaults hold, and what the organisation says of itself",
        )


def _scenarios(folder: Path, known: Known | None) -> Iterator[Finding]:
    """Yield what is wrong with scenarios of a year's plan: no report rests on one."""
    try:
        files = scenario_files(folder)
    except UserError as fault:
        yield Finding(Weight.MISLEADS, str(fault))
        return
    for name, path in files.items():
        try:
            scenario = read_scenario(path)
            if known is not None:
                changes_by_person(scenario, name, known.users)
        except UserError as fault:
            yield Finding(Weight.MISLEADS, str(fault))


def _rules(book: PolicyBook, known: Known | None, month: Month) -> MonthRules:
    _ = book.custom_fields
    unknown = OrganizationDefaults("", "", "UTC", 1, named_by_end=False, currency="USD")
    return book.for_month(month, known.organization if known else unknown)


def _recipients(folder: Path, known: Known | None) -> Iterator[Finding]:
    path = folder / recipients.FILE_NAME
    try:
        faults = recipients.recipient_faults(read_text(path)) if path.exists() else []
    except UserError as fault:
        faults = [str(fault)]
    if faults:
        yield from (Finding(Weight.STOPS, each) for each in faults)
        return
    book = read_recipients(folder)
    stated = [each.address for each in book.recipients]
    stated += [copy for each in book.recipients for copy in each.hidden_copies]
    for address in sorted({*stated, *book.hold_notice}):
        domain = address.rpartition("@")[2]
        if domain in RESERVED or domain.endswith(RESERVED_ENDS):
            yield Finding(
                Weight.MISLEADS,
                f"{recipients.FILE_NAME}: {address} is an address that exists nowhere; put your own there",
            )
    if not (book.recipients or book.own_pages or book.led_teams):
        yield Finding(
            Weight.NOTE,
            f"{recipients.FILE_NAME} switches nobody on: reports are made, and mailed to nobody",
        )
    if known is not None:
        yield from _unknown_teams(book, known)


def _unknown_teams(book: RecipientBook, known: Known) -> Iterator[Finding]:
    by = [people_of(known.users, known.roles, known.queues, each) for each in ("role", "manager")]
    teams = {team for each in by for team in each.teams.to_pylist()}
    named = {
        pack.removeprefix(TEAM)
        for each in book.recipients
        for pack in each.packs
        if pack.startswith(TEAM)
    }
    for team in sorted(named - teams):
        yield Finding(
            Weight.MISLEADS,
            f"{recipients.FILE_NAME}: {TEAM}{team[:60]} is no team; there are: {', '.join(sorted(teams))[:200]}",
        )
