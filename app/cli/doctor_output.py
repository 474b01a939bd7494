"""What `onpace doctor` says: settings and their origin, who we are, and what would make the numbers wrong.

Put examining here; it reads little and stores nothing. What each finding means for the
numbers stands beside it, with the cure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connectors.salesforce.auth import PASSWORD, SESSION
from connectors.salesforce.diagnostics import Examination, examine_organization
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.files import refuse_unusable_home
from orchestration import resources, settings
from publication.preconditions import refuse_without_targets
from reports.rendering.libraries import refuse_without_pango
from sales.calendar import Month
from sales.policy.rules import PolicyBook

Say = Callable[[str], None]
FEW_REQUESTS = 200
RETENTION = timedelta(days=540)


def examine(say: Say) -> None:
    """Print findings line by line; raises the first `UserError` that stops a report."""
    say("Settings")
    # Folders are shown as they are used: what a default means depends on where the program is installed.
    folders = {"ONPACE_HOME": settings.home(), "ONPACE_POLICY": settings.policy_folder()}
    for name, setting in settings.read_settings().items():
        shown = folders.get(name, setting.shown)
        say(f"  {name} = {shown}  ({setting.origin}: {setting.variable.meaning})")
    workspace = resources.make_workspace()
    refuse_unusable_home(workspace.home)
    refuse_without_pango()
    policies = workspace.policies
    say("Policy")
    files = (
        ", ".join(f"fy{year}.toml" for year in sorted(policies.policies))
        or "no files: defaults and the organisation hold"
    )
    say(f"  {workspace.policy_folder}: {files}")
    say("Salesforce")
    found = examine_organization(resources.make_client(), policies.custom_fields)
    _say_login(found, say)
    _say_organization(found, policies, say)
    _say_history(found, say)
    _say_credit_and_targets(found, policies, say)
    for finding in found.findings:
        say(f"  {finding.place}: {finding.meaning}")
    _say_latest(workspace.extracts.latest(), say)
    say("Targets and the latest closed month")
    month = Month.of(workspace.now().date()).plus(-1)
    rules = policies.for_month(month, found.organization)
    refuse_without_targets(workspace, month, rules, found.users, found.roles, found.quotas)
    say(
        f"  {month} belongs to {rules.calendar.year_of(month).name}, by {rules.source}; targets come from {rules.policy.targets.source}"
    )
    existing = found.existing_before(rules.calendar.as_of(month))
    say(f"  {existing:,} opportunities were created before the end of {month}")
    if not existing:
        say("  no report can be made of it: check that this user may see opportunities")
    say("Everything a report needs is there.")


def _say_login(found: Examination, say: Say) -> None:
    session, who = found.session, found.who
    user, organization = (
        who.get("preferred_username", "unknown"),
        who.get("organization_id", "unknown"),
    )
    say(
        f"  {session.login.place}, API version {session.version}, as {user} in organisation {organization}, by {session.login.flow}"
    )
    if session.login.flow == PASSWORD:
        say(
            "  a password login: Salesforce ends API logins with passwords in Summer 2027; create an External Client App (docs/connect.md) and use client credentials or JWT"
        )
    if session.login.flow == SESSION:
        say(
            "  a session id cannot be renewed: a long pull stops when it ends; use client credentials or JWT"
        )
    limits: dict[str, Any] = found.limits.get("DailyApiRequests", {})
    left, whole = limits.get("Remaining"), limits.get("Max")
    say(
        f"  requests left today: {left if left is not None else '?'} of {whole if whole is not None else '?'}; a pull without news takes about ten"
    )
    if left is not None and left < FEW_REQUESTS:
        say(
            "  that is little: a first pull of a large organisation may not fit; run it at another time"
        )
    say(
        f"  Bulk query jobs left today: {found.limits.get('DailyBulkV2QueryJobs', {}).get('Remaining', '?')}"
    )


def _say_organization(found: Examination, policies: PolicyBook, say: Say) -> None:
    organization = found.organization
    say("Organisation")
    say(
        f"  {organization.company}, time zone {organization.time_zone}, currency {organization.currency or 'not told: set [fiscal] currency'}"
    )
    named = "ends" if organization.named_by_end else "starts"
    say(
        f"  the fiscal year starts in month {organization.start_month} and is called by the year in which it {named}"
    )
    if found.has_custom_fiscal_year:
        say(
            '  Salesforce uses a custom fiscal year (such as 4-4-5): months of a report have its days with [fiscal] periods = "salesforce", else they are calendar months'
        )
    if found.currencies:
        dated = (
            f"{found.dated_rates:,} dated rates"
            if found.dated_rates
            else "no dated rates: today's rate is used for past months, and frozen with each extract"
        )
        say(f"  currencies: {', '.join(found.currencies)}; {dated}")
    else:
        say("  one currency")
    say(f"  {found.opportunities:,} opportunities, {found.private:,} of them private")
    if not found.private:
        say(
            "  no private opportunity is visible: there are none, or this user lacks View All Data and they are missing from every number"
        )
    listed = {name for name, _ in found.stages_in_use}
    unknown = sorted(
        listed
        - found.stages
        - set().union(*(policy.pipeline.stages for policy in policies.policies.values()))
    )
    say(
        "  stages in use: "
        + ", ".join(f"{name[:60]} ({count:,})" for name, count in found.stages_in_use)
    )
    for name in unknown:
        say(
            f'  stage {name[:60]!r} is in use and not listed: say what it means in the policy file: [pipeline.stages] "{name[:60]}" = "open", "won" or "lost"'
        )
    if found.record_types:
        say(
            f"  record types: {', '.join(found.record_types)}; all count unless [pipeline] record_types names some"
        )


def _say_history(found: Examination, say: Say) -> None:
    say("History")
    say(
        f"  stage history since {_day(found.stage_history_since)}: {found.history_rows:,} rows; what was before it is assumed"
    )
    if found.owner_history_since is None:
        say(
            "  owner changes are not tracked: today's owner is assumed for the past; track the owner under Opportunity, Set History Tracking"
        )
        return
    say(f"  owner changes are tracked, the oldest is of {_day(found.owner_history_since)}")
    if found.session.now - found.owner_history_since > RETENTION:
        say(
            "  Salesforce forgets field history after 18 to 24 months: what Onpace has read stays in ONPACE_HOME; back that folder up"
        )


def _say_credit_and_targets(found: Examination, policies: PolicyBook, say: Say) -> None:
    say("Credit and targets")
    if found.split_types:
        say(
            f"  opportunity splits are in use ({', '.join(found.split_types)}): bookings are credited by the one that totals 100 %"
        )
        say(
            "  Salesforce keeps no history of splits: month ends are right from the first copy that Onpace made soon after them"
        )
    else:
        say("  no opportunity splits: the owner gets the credit")
    uses_quotas = any(
        policy.targets.source == "salesforce" for policy in policies.policies.values()
    )
    if found.quota_count:
        use = (
            "used as targets" if uses_quotas else 'not used; [targets] source = "salesforce" would'
        )
        say(f"  {found.quota_count:,} quotas are visible: {use}")
    else:
        say(
            "  no quotas are visible: targets come from the target book (quotas need View All Forecasts)"
        )
    if size := found.submitted_forecasts["owner_id"].nunique():
        say(f"  forecasts submitted by {size:,} users are visible: those of sellers count as calls")


def _say_latest(latest: ExtractRecord | None, say: Say) -> None:
    if latest is None:
        say("  nothing was read yet: the first pull reads everything")
        return
    say(
        f"  last read up to {latest.extracted_at:%Y-%m-%d %H:%M} UTC with {latest.pull.requests:,} requests ({latest.pull.how})"
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"
