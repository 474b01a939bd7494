"""Who reads the documents of a month: how people want their own pages, and the editions that recipients ask for."""

from __future__ import annotations

from publication.month_inputs import MonthInputs
from publication.preconditions import people_brands
from reports.month_end import Readers
from sales.delivery.recipients import variants


def readers(inputs: MonthInputs) -> Readers:
    """Return what the readers of a month ask for."""
    asked = variants(inputs.workspace.recipients, inputs.directory)
    return Readers(people=people_brands(inputs.rules, inputs.extract.users), variants=asked)
