"""`onpace init`: a folder of one's own, from what Salesforce tells.

Put here what is asked and what is said; what the files hold is `publication.first_policy`.
"""

from __future__ import annotations

import shlex
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from app.console import flat, one_sentence, out

if TYPE_CHECKING:
    from connectors.salesforce.diagnostics import Examination
    from publication.first_policy import Owner

app = typer.Typer()
BOOK = "targets"
ONE_DAY = timedelta(days=1)


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if it is not there.")
    ],
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Ask nothing: the login comes from SALESFORCE_*, the rest from what is found.",
        ),
    ] = False,
    targets: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Annual targets that you have, as .csv or .xlsx with the columns fiscal_year, owner and annual_target.",
        ),
    ] = None,
) -> None:
    """Write a folder of your own: settings, policy, target book and recipients, from what Salesforce tells.

    Asks for your domain and the key of your External Client App, tests the login and reads what the
    organisation says of itself. Nothing that is there already is overwritten, and nobody is mailed
    until you switch it on.
    """
    with one_sentence():
        from connectors.salesforce.auth import MissingSetting
        from orchestration import settings

        _refuse_file(folder)
        _remember(folder)
        if not yes and sys.stdin.isatty():
            _ask()
        elif settings.uses_embedded_org():
            raise MissingSetting(
                "nothing says where your Salesforce is; set SALESFORCE_DOMAIN, SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, or run this in a terminal without --yes"
            )
        _write(folder, targets, _examined())


def _refuse_file(folder: Path) -> None:
    """Raise `InvalidPolicy` where something else lies in the place of a folder: before anything is written."""
    from sales.policy.sections import InvalidPolicy

    for each in (folder, folder / "policy"):
        if each.exists() and not each.is_dir():
            raise InvalidPolicy(f"{each} is no folder; move it away, or name another DIR")


def _remember(folder: Path) -> None:
    """Let what an earlier `init` wrote into the folder be known, where nothing else is said."""
    from orchestration import settings
    from orchestration.setting_files import files_in

    known = {
        name: value
        for file in files_in(folder)
        for name, value in file.values.items()
        if name.startswith("SALESFORCE_") and not settings.value_of(name)
    }
    settings.use(known)


def _ask() -> None:
    """Ask for what a login needs and is not set yet."""
    from orchestration import settings

    said = dict[str, str]()
    has_place = settings.value_of("SALESFORCE_LOCAL_URL") or settings.value_of("SALESFORCE_DOMAIN")
    if not has_place:
        address = typer.prompt(
            "Your Salesforce address (My Domain), such as acme.my.salesforce.com",
            value_proc=_address,
        )
        is_here = address.startswith("http:")
        said["SALESFORCE_LOCAL_URL" if is_here else "SALESFORCE_DOMAIN"] = address
    has_key = settings.private_key() or settings.value_of("SALESFORCE_PASSWORD")
    if not settings.value_of("SALESFORCE_CLIENT_ID"):
        said["SALESFORCE_CLIENT_ID"] = typer.prompt("Consumer key of the External Client App")
    if not has_key and not settings.value_of("SALESFORCE_CLIENT_SECRET"):
        said["SALESFORCE_CLIENT_SECRET"] = typer.prompt("Consumer secret", hide_input=True)
    settings.use(said)


def _address(text: str) -> str:
    """Return a My Domain, or the address of an org on this machine; whoever is asked is asked again where it is neither."""
    from urllib.parse import urlsplit

    from connectors.delivery.smtp import LOOPBACK
    from connectors.salesforce.auth import MissingSetting, my_domain

    text = text.strip()
    if text.startswith("http://") and urlsplit(text).hostname in LOOPBACK:
        return text.rstrip("/")
    try:
        return my_domain(text)
    except MissingSetting:
        raise typer.BadParameter(
            f"{text[:60]!r} is no address of Salesforce; it is what your browser shows once you have logged in, such as acme.my.salesforce.com"
        ) from None


def _examined() -> Examination:
    from connectors.salesforce.diagnostics import examine_organization
    from orchestration import resources
    from sales.policy.rules import CustomFields

    found = examine_organization(resources.make_client(), CustomFields())
    who = found.who.get("preferred_username", "unknown")
    out.print(
        f"Logged in to {found.session.login.place} as {who}: {flat(found.organization.company)[:120]}, {found.opportunities:,} opportunities",
        markup=False,
    )
    return found


def _write(folder: Path, targets: Path | None, found: Examination) -> None:
    from connectors.salesforce.diagnostics import owners_at_work
    from connectors.storage.files import write_new
    from orchestration import settings
    from publication import first_policy
    from sales.calendar import Month

    calendar = first_policy.calendar_of(found)
    month = Month.of(_today(found)).plus(-1)
    years = sorted({calendar.fiscal_year(month), calendar.fiscal_year(month.plus(1))})
    of_years: dict[int, list[Owner]] = {}
    for year in years:
        before = calendar.year(year - 1).months
        first, end = calendar.first_day(before[0]), calendar.last_day(before[-1]) + ONE_DAY
        of_years[year] = first_policy.owners_of(found, owners_at_work(found, first, end))
    owners = of_years[years[-1]]
    is_without_book = targets is None and not _has_book(folder)
    uses_quotas = is_without_book and first_policy.has_quotas(found, years)
    files = {
        ".env": first_policy.environment_file(settings.salesforce_settings()),
        ".gitignore": ".env\ndata/\n",
        f"policy/fy{years[0]}.toml": first_policy.policy_file(
            found, f"FY{years[0]}", uses_quotas=uses_quotas, book=_book_name(targets)
        ),
        "policy/recipients.toml": first_policy.recipients_file(owners),
    }
    contents = {name: text.encode() for name, text in files.items()}
    if targets is not None:
        contents[f"policy/{_book_name(targets)}"] = _checked_book(targets, found)
    elif not uses_quotas:
        contents["policy/targets.csv"] = first_policy.target_file(of_years).encode()
    written = set[str]()
    for name, content in sorted(contents.items()):
        path, word = folder / name, "is there already and stays as it is"
        if write_new(path, content):
            written.add(name)
            word = "written"
        out.print(f"  {path}: {word}", markup=False)
    if ".env" not in written and not _leads_here(folder):
        out.print(
            f"  {folder / '.env'} does not lead to this policy: add ONPACE_POLICY='policy' and ONPACE_HOME='data' to it",
            markup=False,
        )
    if targets is not None and f"policy/fy{years[0]}.toml" not in written:
        out.print(
            f'  policy/fy{years[0]}.toml was there already: it must say [targets] source = "{_book_name(targets)}" for these targets to count',
            markup=False,
        )
    is_empty = "policy/targets.csv" in written and targets is None
    _say_next(folder, found, uses_quotas=uses_quotas, owners=len(owners) if is_empty else 0)
    oldest = found.stage_history_since
    if oldest and found.session.now - oldest < timedelta(days=400):
        out.print(
            f"  Stage history begins on {oldest:%Y-%m-%d}: month ends before it cannot be reconstructed."
        )


def _today(found: Examination) -> date:
    """Return the day where the organisation is, by UTC where its time zone is none that is known: `check` says so."""
    now = found.session.now
    try:
        return now.astimezone(ZoneInfo(found.organization.time_zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return now.date()


def _say_next(folder: Path, found: Examination, *, uses_quotas: bool, owners: int) -> None:
    if uses_quotas:
        out.print(f"Targets come from the {found.quota_count:,} quotas in Salesforce.")
    elif owners:
        out.print(
            f"Owners in {folder / 'policy' / 'targets.csv'}, each with what they won last year: {owners}. Give each an annual_target, and leave it empty for those who have none.",
            markup=False,
        )
    out.print(f"Next: cd {shlex.quote(str(folder))} && onpace check", markup=False)


def _leads_here(folder: Path) -> bool:
    from orchestration.setting_files import files_in

    return any("ONPACE_POLICY" in file.values for file in files_in(folder))


def _has_book(folder: Path) -> bool:
    return (folder / "policy" / "targets.csv").exists()


def _book_name(targets: Path | None) -> str:
    suffix = targets.suffix.lower() if targets else ".csv"
    return f"{BOOK}{'.xlsx' if suffix == '.xlsx' else '.csv'}"


def _checked_book(path: Path, found: Examination) -> bytes:
    """Return a target book as it is, after reading it as a run would."""
    from connectors.policy.annual_targets import read_target_book
    from connectors.policy.folder import read_bytes

    book = read_target_book(path, found.users)
    out.print(f"  {path.name} states {len(book)} annual targets", markup=False)
    return read_bytes(path)
