"""Group inputs: what a month is computed from, as its readers think of it: the calendar, the people, the history of opportunities.

Put here what many tables read together. Nothing is stored: raw tables are, and each of these says
which of them, in which version, it is read from.
"""

import hashlib
import json

import dagster as dg
import pyarrow.compute as pc

from assets.failures import told
from assets.metadata.lineage import CALENDAR, HISTORY, PEOPLE, READ_FROM
from assets.monthly_table import OWNERS
from assets.partitions import months
from publication.month_inputs import MonthInputs
from publication.run_inputs import RunInputs
from sales.calendar import Month, working_days

INSTANT = "%Y-%m-%d %H:%M:%S UTC"


def _keys(name: str) -> list[dg.AssetKey]:
    return [dg.AssetKey.from_user_string(each) for each in READ_FROM[name]]


@dg.asset(deps=_keys(CALENDAR), partitions_def=months, owners=OWNERS, kinds={"policy"})
def calendar(
    context: dg.AssetExecutionContext, inputs: dg.ResourceParam[RunInputs]
) -> dg.MaterializeResult:
    """When the month begins and ends, in which fiscal quarter and year it lies, by policy or by what the organisation says of itself."""
    with told(context.run):
        month = Month.parse(context.partition_key)
        of_month = inputs.of(month)
        rules = of_month.rules
        days = rules.calendar.days_of(month)
        return _said(
            CALENDAR,
            of_month,
            {
                "fiscal_quarter": rules.calendar.quarter_of(month).name,
                "fiscal_year": rules.calendar.year_of(month).name,
                "first_day": str(days[0]),
                "last_day": str(days[-1]),
                "ends_at": f"{rules.calendar.as_of(month):{INSTANT}}",
                "time_zone": rules.calendar.time_zone,
                "working_days": len(working_days(days, rules.policy.phasing.holidays)),
                "rules": rules.source,
            },
        )


@dg.asset(deps=_keys(PEOPLE), partitions_def=months, owners=OWNERS, kinds={"salesforce"})
def people(
    context: dg.AssetExecutionContext, inputs: dg.ResourceParam[RunInputs]
) -> dg.MaterializeResult:
    """Everybody who owns deals or targets, in the team that policy puts them in: by role or by manager."""
    with told(context.run):
        of_month = inputs.of(Month.parse(context.partition_key))
        known = of_month.people
        return _said(
            PEOPLE,
            of_month,
            {
                "people": len(known.ids),
                "active": int(known.is_active.sum()),
                "teams": pc.count_distinct(known.team_ids).as_py(),  # type: ignore[attr-defined]  # of Arrow
                "team_by": of_month.rules.policy.pipeline.team_by,
            },
        )


@dg.asset(deps=_keys(HISTORY), partitions_def=months, owners=OWNERS, kinds={"salesforce"})
def opportunity_history(
    context: dg.AssetExecutionContext, inputs: dg.ResourceParam[RunInputs]
) -> dg.MaterializeResult:
    """Opportunities with every change of theirs that Salesforce kept: what was known at any instant is read from it."""
    with told(context.run):
        of_month = inputs.of(Month.parse(context.partition_key))
        one = of_month.extract
        return _said(
            HISTORY,
            of_month,
            {
                "opportunities": len(one.opportunities),
                "saves": len(one.opportunity_history),
                "changed_fields": len(one.opportunity_field_history),
                "extract": of_month.record.extract_id,
                "read_at": f"{of_month.extracted_at:{INSTANT}}",
                "is_our_own_copy": of_month.is_copy,
            },
        )


def _said(
    name: str, of_month: MonthInputs, facts: dict[str, str | int | bool]
) -> dg.MaterializeResult:
    """Return facts with the version of what they are read from."""
    versions = {each: of_month.record.versions.get(each) for each in READ_FROM[name]}
    rules = of_month.workspace.policy_digests
    read = json.dumps([versions, rules, facts], sort_keys=True).encode()
    return dg.MaterializeResult(
        data_version=dg.DataVersion(hashlib.sha256(read).hexdigest()[:32]), metadata=facts
    )
