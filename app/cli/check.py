"""`onpace check`: everything that would stop or mislead the first month, at once and worst first.

Put here what is looked at and in which order; what is wrong with a policy folder is
`publication.policy_check`, with what is stored `publication.stored_check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfoNotFoundError

from app.console import flat, out
from connectors.delivery.smtp import NotAccepted, connected
from connectors.salesforce.auth import LoginRefused
from connectors.salesforce.diagnostics import Examination, examine_organization, owners_at_work
from connectors.storage.files import refuse_unusable_home
from orchestration import resources, settings
from orchestration.delivery_watch import switched_on
from orchestration.instance import dagster_instance
from publication.finding import Finding, Known, Weight
from publication.first_policy import calendar_of
from publication.policy_check import examine_policy
from publication.preconditions import MonthNotClosed, refuse_clearly_open, refuse_unusable
from publication.workspace import Workspace
from reports.rendering.libraries import refuse_without_pango
from sales.calendar import Month
from sales.errors import UserError
from sales.history.booking_credit import total_split_type
from sales.history.record_types import record_type_ids
from sales.policy.rules import CustomFields
from sales.policy.sections import SalesPolicy

GUIDE = "docs/connect.md"


def check_everything(month: Month | None, *, is_offline: bool) -> int:
    """Print what is found for a month's report, worst first, and return the exit code: 1 if it would be stopped."""
    findings = sorted(_findings(month, is_offline=is_offline), key=lambda each: each.weight)
    for each in findings:
        out.print(f"{each.weight.word}: {flat(each.sentence)}", markup=False)
    counts = [sum(each.weight == weight for each in findings) for weight in Weight]
    looked = "Salesforce and the mail server were not asked." if is_offline else ""
    out.print(
        f"{_count(counts[Weight.STOPS], 'error')}, {_count(counts[Weight.MISLEADS], 'warning')}. {looked}".strip()
        + ("" if counts[Weight.STOPS] else _next()),
        markup=False,
    )
    return int(bool(counts[Weight.STOPS]))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _next() -> str:
    """Return what to do next for somebody who has not published anything."""
    return "" if resources.make_workspace().published.months() else " Next: onpace preview"


def _findings(asked: Month | None, *, is_offline: bool) -> Iterator[Finding]:
    try:
        workspace = resources.make_workspace()
        refuse_unusable_home(workspace.home)
        refuse_without_pango()
    except UserError as fault:
        yield Finding(Weight.STOPS, str(fault))
        return
    month = asked or _last_month(workspace)
    try:
        refuse_clearly_open(workspace, month)
    except MonthNotClosed as fault:
        yield Finding(Weight.STOPS, str(fault))
        return
    except UserError:  # what is wrong with the policy is found when it is looked at
        pass
    found: Examination | None = None
    if not is_offline:
        try:
            found = examine_organization(resources.make_client(), _custom_fields(workspace))
        except LoginRefused as fault:
            yield Finding(Weight.STOPS, f"{fault} ({GUIDE}, When it is refused)")
        except UserError as fault:
            yield Finding(Weight.STOPS, str(fault))
    if found is not None:
        yield from _organization(found, month, _policies(workspace))
        yield from _by_policy(workspace, found, month)
    try:
        known = _known(found, month) if found else _known_from_before(workspace)
    except UserError as fault:
        yield Finding(Weight.STOPS, str(fault))
        known = None
    of_policy = list(examine_policy(workspace.policy_folder, known, month, workspace.pages))
    yield from of_policy
    if found is None and not any(each.weight == Weight.STOPS for each in of_policy):
        yield from _last_extract(workspace, month)
    yield from _mail(workspace, is_offline=is_offline)
    yield from _notices()
    yield from _schedule()


def _last_month(workspace: Workspace) -> Month:
    try:
        return workspace.last_closed_month
    except UserError:  # the policy, which names the zone, cannot be read
        return Month.of(workspace.now().date()).plus(-1)


def _custom_fields(workspace: Workspace) -> CustomFields:
    try:
        return workspace.policies.custom_fields
    except UserError:  # what is wrong with the policy is found when it is looked at
        return CustomFields()


def _known(found: Examination, month: Month) -> Known:
    calendar = calendar_of(found)
    year = calendar.year_of(month).months
    end = calendar.last_day(year[-1]) + timedelta(days=1)
    at_work = owners_at_work(found, calendar.first_day(year[0]), end)
    return Known(
        found.organization,
        found.users,
        found.roles,
        found.queues,
        found.quotas,
        found.submitted_forecasts,
        None,
        frozenset(each.user_id for each in at_work),
        frozenset(each.user_id for each in at_work if each.bookings),
    )


def _known_from_before(workspace: Workspace) -> Known | None:
    """Return what the newest extract knows, none where nothing was read."""
    latest = workspace.extracts.latest()
    if latest is None:
        return None
    extract = workspace.loaded.extract(latest)
    open_stages = extract.stages.loc[~extract.stages["is_closed"], "stage_name"]
    deals = extract.opportunities[~extract.opportunities["is_deleted"]]
    owners = frozenset(deals.loc[deals["stage_name"].isin(open_stages), "owner_id"])
    return Known(
        extract.defaults,
        extract.users,
        extract.roles,
        extract.queues,
        extract.quotas,
        extract.submitted_forecasts,
        extract.accounts,
        owners,
    )


def _policies(workspace: Workspace) -> Mapping[int, SalesPolicy]:
    try:
        return workspace.policies.policies
    except UserError:  # what is wrong with the policy is found when it is looked at
        return {}


def _organization(
    found: Examination, month: Month, workspace_policies: Mapping[int, SalesPolicy]
) -> Iterator[Finding]:
    who = found.who.get("preferred_username", "unknown")
    yield Finding(
        Weight.NOTE,
        f"{found.session.login.place} answers as {who}: {found.organization.company}, {found.opportunities:,} opportunities, months end in {found.organization.time_zone}",
    )
    for each in found.findings:
        yield Finding(Weight.MISLEADS, f"{each.place}: {each.meaning}")
    known_stages = found.stages.union(
        *(policy.pipeline.stages for policy in workspace_policies.values())
    )
    for name in sorted({name for name, _ in found.stages_in_use} - known_stages):
        yield Finding(
            Weight.STOPS,
            f'stage {name[:60]!r} is in use and Salesforce does not list it: say what it means in the policy file: [pipeline.stages] "{name[:60]}" = "open", "won" or "lost"',
        )
    for code in found.unrated_currencies:
        yield Finding(
            Weight.STOPS,
            f"opportunities are in {code[:10]}, and Salesforce tells no conversion rate of it: add one under Manage Currencies, or give {who} read access to CurrencyType",
        )
    try:
        as_of = calendar_of(found).as_of(month)
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding(
            Weight.STOPS,
            f"the organisation's time zone {found.organization.time_zone[:60]!r} is none that is known here: name one in the policy file: [fiscal] time_zone",
        )
        return
    if not found.existing_before(as_of):
        yield Finding(
            Weight.STOPS,
            f"no opportunity that this user sees was created before the end of {month}; if there are some, give {who} read access and View All Records ({GUIDE}, 1)",
        )
    if found.owner_history_since is None and found.tracks_owners:
        yield Finding(
            Weight.MISLEADS,
            f"no owner change is on record, so today's owner is assumed for the past; track the owner in Salesforce: Opportunity, Fields and Relationships, Set History Tracking ({GUIDE}, 2)",
        )
    if not found.private:
        yield Finding(
            Weight.NOTE,
            f"no private opportunity is visible: there are none, or this user lacks View All Data ({GUIDE}, 1)",
        )


def _by_policy(workspace: Workspace, found: Examination, month: Month) -> Iterator[Finding]:
    """Yield what the policy of a month names and this organisation does not have."""
    try:
        rules = workspace.policies.for_month(month, found.organization)
    except UserError:  # what is wrong with the policy is found when it is looked at
        return
    looks: list[Callable[[], object]] = [
        lambda: record_type_ids(found.record_type_table, rules.policy.pipeline.record_types)
    ]
    if found.has_splits:
        looks.append(lambda: total_split_type(found.split_type_table, rules))
    for look in looks:
        try:
            look()
        except UserError as fault:
            yield Finding(Weight.STOPS, str(fault))


def _last_extract(workspace: Workspace, month: Month) -> Iterator[Finding]:
    """Yield what would stop a month's report from what was read last, where something was read."""
    latest = workspace.extracts.latest()
    if latest is None:
        return
    try:
        refuse_unusable(workspace, month, workspace.loaded.extract(latest))
    except UserError as fault:
        yield Finding(Weight.STOPS, f"{fault} (by what was read last, {latest.extract_id})")


def _mail(workspace: Workspace, *, is_offline: bool) -> Iterator[Finding]:
    try:
        book, server = workspace.recipients, settings.smtp()
    except UserError as fault:
        if not str(fault).startswith("recipients"):
            yield Finding(Weight.STOPS, str(fault))
        return
    is_wanted = bool(book.recipients or book.own_pages or book.led_teams)
    if server is None:
        if is_wanted:
            yield Finding(
                Weight.MISLEADS,
                "recipients are named and no mail server is: set SMTP_HOST and SMTP_FROM, else nobody gets anything",
            )
        return
    if is_offline:
        return
    try:
        with connected(server):
            pass
    except (NotAccepted, UserError) as fault:
        yield Finding(Weight.MISLEADS, f"{fault}; no mail can be sent now")
    else:
        yield Finding(
            Weight.NOTE,
            f"the mail server {server.host}:{server.port} answers; no mail was sent to it",
        )


def _notices() -> Iterator[Finding]:
    """Yield what is wrong with the addresses that notices go to; nothing is posted."""
    try:
        if notices := resources.make_notices():
            notices.check()
    except UserError as fault:
        yield Finding(Weight.MISLEADS, str(fault))


def _schedule() -> Iterator[Finding]:
    try:
        with dagster_instance() as instance:
            is_on = switched_on(instance) is not None
    except UserError as fault:
        yield Finding(Weight.MISLEADS, str(fault))
        return
    if not is_on:
        yield Finding(
            Weight.NOTE,
            "the schedule is off, so nothing is launched or mailed by itself: `onpace schedule on` when you are ready",
        )
