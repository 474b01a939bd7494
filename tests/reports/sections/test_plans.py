"""What pages say of people's targets beside the company's own."""

import pytest

from reports.sections.plans import plans
from sales.contracts.targets import TargetPadding
from tests.fakes import frame
from tests.reports.sections.test_work import view


@pytest.mark.parametrize(
    ("stated", "share", "answer"),
    [
        (100_000, 20.0, "People's targets sum to €120k, 20% more than the stated €100k."),
        (160_000, -25.0, "People's targets sum to €120k, 25% less than the stated €160k."),
        (0, None, "People's targets sum to €120k; the company states €0."),
    ],
)
def test_over_assignment_is_told(stated: int, share: float | None, answer: str) -> None:
    row = {
        "fiscal_year": 2026,
        "grain": "company",
        "grain_id": "Acme",
        "assigned": 120_000,
        "stated": stated,
        "padding": 120_000 - stated,
        "padding_pct": share,
    }
    section = plans(view(target_padding=frame(TargetPadding, [row])))
    assert section is not None
    assert section.answer == answer
