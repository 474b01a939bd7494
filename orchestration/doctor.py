"""What `onpace doctor` says: settings and their origin, who we are, and what would make the numbers wrong."""

from __future__ import annotations

from collections.abc import Callable

from connectors.salesforce import SalesforceClient
from orchestration import resources, settings
from sales.calendar import Month
from sales.history import PipelineHistory
from sales.snapshot import month_end_state

Say = Callable[[str], None]


def examine(say: Say) -> None:
    """Print findings line by line; raises the first `Fault` that stops a report."""
    say("Settings")
    for name, setting in settings.read_settings().items():
        say(f"  {name} = {setting.shown}  ({setting.origin}: {setting.variable.meaning})")
    books = resources.make_books()
    policies = books.policies
    say("Policy")
    say(
        f"  {books.policy_folder}: {', '.join(f'fy{year}.toml' for year in sorted(policies.policies)) or 'no files: defaults and the organisation hold'}"
    )
    say("Salesforce")
    client = SalesforceClient(resources.login())
    wire, hidden = client.examine()
    who, limits = wire.whoami(), wire.limits().get("DailyApiRequests", {})
    say(
        f"  {wire.login.place}, API version {wire.version}, as {who.get('preferred_username', 'unknown')} in organisation {who.get('organization_id', 'unknown')}"
    )
    say(f"  requests left today: {limits.get('Remaining', '?')} of {limits.get('Max', '?')}")
    for finding in hidden:
        say(f"  {finding.place}: {finding.meaning}")
    pull = client.pull(lambda _: None)
    organization = pull.tables["raw_organization"].iloc[0]
    say("Organisation")
    say(f"  {organization['name']}, time zone {organization['time_zone']}, currency {organization['currency_code']}")
    named = "starts" if organization["names_year_by_start"] else "ends"
    say(f"  the fiscal year starts in month {organization['fiscal_year_start_month']} and is called by the year in which it {named}")
    say(f"  {len(pull.tables['raw_opportunities']):,} opportunities, {len(pull.tables['raw_opportunity_history']):,} history rows")
    changes = pull.tables["raw_opportunity_field_history"]
    tracked = changes["field"].isin(["Owner", "OwnerId"])
    if tracked.any():
        say(f"  owner changes are tracked since {changes.loc[tracked, 'created_at'].min():%Y-%m-%d}")
    else:
        say("  owner changes are not tracked: today's owner is assumed for the past; track the owner under Set History Tracking")
    say("Targets and the latest closed month")
    extract = books.bundle(pull.tables)
    month = Month.of(books.now().date()).plus(-1)
    books.refuse_unusable(month, extract)
    rules = policies.for_month(month, extract.defaults)
    say(f"  {month} belongs to {rules.calendar.year_of(month).name}, by {rules.source}; targets come from {rules.policy.targets.source}")
    state = month_end_state(PipelineHistory(extract, rules.currency, rules.digits), month, rules)
    say(f"  {len(state.opportunity):,} opportunities existed at the end of {month}, {int(state.is_open.sum()):,} of them open")
    say("Everything a report needs is there.")
