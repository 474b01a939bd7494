"""Who reads the documents of a month: how people want their own pages, the editions that recipients ask for, and what managers say."""

from __future__ import annotations

from connectors.policy.commentary import read_commentary
from publication.month_inputs import MonthInputs
from publication.preconditions import people_brands
from reports.month_end import Readers
from sales.delivery.recipients import variants


def readers(inputs: MonthInputs) -> Readers:
    """Return what the readers of a month ask for."""
    folder = inputs.workspace.policy_folder
    asked = variants(inputs.workspace.recipients, inputs.directory)
    return Readers(
        people=people_brands(inputs.rules, inputs.extract.users),
        variants=asked,
        commentary=read_commentary(folder, inputs.month, set(inputs.people.teams.to_pylist())),
    )
