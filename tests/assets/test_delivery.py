import pytest

from assets.delivery import why_not


@pytest.mark.parametrize(
    ("job", "tags", "delivers"),
    [
        ("month_end", {"dagster/partition": "2026-03"}, True),
        ("month_end", {"dagster/partition": "2026-03", "dagster/backfill": "abc"}, False),
        ("restatement", {"dagster/partition": "2026-03"}, False),
        ("__ASSET_JOB", {}, False),
    ],
)
def test_only_a_single_run_of_the_month_end_delivers(
    job: str,
    tags: dict[str, str],
    delivers: bool,  # noqa: FBT001
) -> None:
    """A backfill never mails anyone, whoever starts it and however."""
    assert (why_not(job, tags) is None) == delivers
