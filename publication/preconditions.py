"""What stops a month's report before anything is computed, each with a sentence: what, where, what to do.

Put refusals of a month here; each is asked as early as it can be known: of the calendar before
Salesforce is asked, of what Salesforce announces before an extract is read, of the extract before
it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pandera.typing import DataFrame

from connectors.policy.commentary import read_commentary
from connectors.policy.folder import read_recipients
from connectors.policy.owners import Owners
from connectors.policy.plan_files import read_plan_book
from connectors.salesforce.pull import PullPreview
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import AnotherOrganization
from publication.target_book import spelling_of, target_book_of
from publication.workspace import Workspace
from sales.calendar import Month
from sales.contracts.raw import RawQuotas, RawRoles, RawUsers
from sales.errors import UserError
from sales.history.booking_credit import split_type
from sales.history.extract import EMBEDDED, Extract, people
from sales.history.rates import Rates
from sales.history.snapshot import month_end_state, refuse_before_first
from sales.policy.rules import MonthRules
from sales.policy.sections import InvalidPolicy, PersonBrand
from sales.targets import annual_targets
from sales.targets import phased_targets as targets
from sales.targets.phased_targets import NoTargets

EARLIEST_MONTH = Month(2015, 1)


class MonthNotClosed(UserError, ValueError):
    """A month has not ended in the reporting time zone."""


def refuse_clearly_open(workspace: Workspace, month: Month) -> None:
    """Refuse before anything is read: no zone is more than 14 hours ahead of UTC, and no fiscal month ends a month early."""
    now, following = workspace.now(), month.plus(0 if workspace.has_fiscal_months else 1)
    earliest = datetime(following.year, following.number, 1, tzinfo=UTC) - timedelta(hours=14)
    if now < earliest:
        raise MonthNotClosed(
            f"{month} is not closed; the latest closed month is {Month.of(now.date()).plus(-1)}"
        )
    if month < EARLIEST_MONTH:
        raise MonthNotClosed(
            f"{month} is before {EARLIEST_MONTH}, where months begin here; ask for a later month"
        )


def approval(workspace: Workspace, month: Month) -> Callable[[PullPreview], None]:
    """Return what raises the `UserError` that would stop a month's report, before its extract is read."""

    def approve(preview: PullPreview) -> None:
        rules = workspace.policies.for_month(month, preview.defaults)
        as_of = rules.calendar.as_of(month)
        _refuse_open(month, as_of, workspace.now())
        if preview.reaches_to < as_of:
            raise MonthNotClosed(
                f"{month} ends on {as_of:%Y-%m-%d %H:%M} UTC, and Salesforce's clock says {preview.reaches_to:%Y-%m-%d %H:%M:%S}; "
                f"run again in a minute, or check this machine's clock"
            )
        workspace.pages.check_theme(workspace.policy_folder, rules)
        people_brands(rules, preview.users)
        read_recipients(workspace.policy_folder)
        refuse_before_first(month, preview.first_created, as_of)
        refuse_without_targets(
            workspace, month, rules, preview.users, preview.roles, preview.quotas
        )

    return approve


def refuse_unusable(workspace: Workspace, month: Month, extract: Extract) -> None:
    """Raise the `UserError` that would stop a month's report: not closed, no deals, no targets, a bad target book or logo."""
    policies = workspace.policies
    rules = policies.for_month(month, extract.defaults)
    _refuse_open(month, rules.calendar.as_of(month), workspace.now())
    book = target_book_of(
        rules, workspace.policy_folder, extract.users, extract.roles, extract.quotas
    )
    people_brands(rules, extract.users)
    read_recipients(workspace.policy_folder)
    teams = people(extract, rules.policy.pipeline.team_by).teams
    read_commentary(workspace.policy_folder, month, set(teams.to_pylist()))
    read_plan_book(
        workspace.policy_folder,
        extract.users,
        extract.accounts,
        rules.digits,
        spelling_of(rules),
        workspace.newest_accounts,
    )
    workspace.pages.check_theme(workspace.policy_folder, rules)
    month_end_state(workspace.loaded.history_of(extract, rules), month, rules)
    split_type(extract, rules)
    year = rules.calendar.fiscal_year(month)
    # No copy is asked for here: a target's rate does not decide whether there is one.
    corporate = extract.defaults.currency if len(extract.currency_rates) else rules.currency

    def rates(of_year: int) -> Rates:
        its_rules = policies.for_fiscal_year(of_year, extract.defaults)
        return Rates(extract.currency_rates, corporate, its_rules.policy.fiscal.rates)

    found = annual_targets.in_force(book, rates, month, policies, extract.defaults)
    if not any(target.fiscal_year == year for target in found):
        raise NoTargets(
            targets.nobody_has_a_target(
                month, rules, annual_targets.coming(book, month, policies, extract.defaults)
            )
        )


def refuse_without_targets(
    workspace: Workspace,
    month: Month,
    rules: MonthRules,
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    quota_rows: DataFrame[RawQuotas],
) -> None:
    """Raise the `UserError` that a month's targets would meet, without an extract."""
    book = target_book_of(rules, workspace.policy_folder, users, roles, quota_rows)
    if not (book["fiscal_year"] == rules.calendar.fiscal_year(month)).any():
        raise NoTargets(targets.nobody_has_a_target(month, rules))


def refuse_another(workspace: Workspace, record: ExtractRecord) -> None:
    """Refuse to answer for a real organisation from the demo's extract, or the other way round."""
    if (record.source == EMBEDDED) != (workspace.source == EMBEDDED):
        raise AnotherOrganization(
            f"{workspace.home} holds numbers from {record.source}, and the settings name {workspace.source}; set ONPACE_HOME to another folder"
        )


def people_brands(rules: MonthRules, users: DataFrame[RawUsers]) -> dict[str, PersonBrand]:
    """Find the people of `[brand.people]` by user name, e-mail or id; raises `InvalidPolicy` for someone unknown."""
    owners = Owners(users)
    found: dict[str, PersonBrand] = {}
    for key, brand in rules.policy.brand.people.items():
        matches = owners.matches(key)
        if len(matches) != 1:
            what = (
                "fits several users; use the user name"
                if matches
                else "is not a user name, e-mail or User id of this organisation; correct it"
            )
            raise InvalidPolicy(f"[brand.people] {key[:60]!r} {what}")
        found[matches[0]] = brand
    return found


def _refuse_open(month: Month, as_of: datetime, now: datetime) -> None:
    if now < as_of:
        raise MonthNotClosed(
            f"{month} is not closed: it ends on {as_of:%Y-%m-%d %H:%M} UTC; ask for an earlier month"
        )
