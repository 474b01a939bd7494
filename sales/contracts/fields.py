"""Columns that several tables have, each said once; a table that means something else says so itself.

Put a column here when a second table has it with the same meaning.
"""

from __future__ import annotations

from functools import partial

from sales.contracts.contract import field, optional
from sales.vocabulary import MONTH, PERIOD, GrainKind, PeriodKind, TargetStatus, words

as_of = partial(field, "Everything before this instant counts")
extracted_at = partial(field, "When Salesforce was read")
as_of_month = partial(field, "Month", str_matches=MONTH)
opportunity_id = partial(field, "Opportunity")
grain = partial(field, "Person, team or company", isin=words(GrainKind))
grain_id = partial(field, "Owner's id, team's name or company's name")
name = partial(optional, "Name")
period = partial(field, "Name of the period", str_matches=PERIOD)
fiscal_year = partial(field, "Number in the fiscal year's name")
month = partial(field, "Month", str_matches=MONTH)
owner_id = partial(field, "Owner")
owner_name = partial(field, "Owner's name")
account_id = partial(optional, "Account")
account_name = partial(optional, "Account's name")
created_at = partial(field, "When the record was created")
period_kind = partial(field, "Quarter or year", isin=words(PeriodKind))
push_count = partial(field, "Times the close date moved to a later month")
split_type_id = partial(field, "Split type")
status = partial(field, "no_target, covered or ok", isin=words(TargetStatus))
target = partial(field, "Phased target of the whole period")
team = partial(field, "Owner's team")
team_id = partial(optional, "Role or manager that the team is; empty for those in none")
