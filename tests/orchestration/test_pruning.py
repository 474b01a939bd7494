"""The record of runs is kept short, and what the UI shows of each month stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration import pruning
from orchestration.pruning import KEPT_OF_EACH, prunable, prune
from tests.temporary_instance import temporary_instance


@dg.job
def restatement() -> None: ...


@pytest.mark.parametrize("page", [2, 500])
def test_old_runs_go_but_for_the_newest_of_each_month(
    tmp_path: Path, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PAGE", page)
    instance = temporary_instance(tmp_path)

    def run(month: str, status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> str:
        tags = {"dagster/partition": month}
        return instance.create_run_for_job(restatement, status=status, tags=tags).run_id

    march = [run("2026-03") for _ in range(KEPT_OF_EACH + 2)]
    run("2026-04")
    started = run("2026-03", dg.DagsterRunStatus.STARTED)
    now, year = datetime.now(UTC), timedelta(days=365)
    assert prunable(instance, now, year) == []
    later = now + timedelta(days=400)
    old = prunable(instance, later, year)
    assert old == march[:3][::-1], "of six of March the three newest stay"
    prune(instance, old)
    assert prunable(instance, later, year) == []
    left = {each.run_id for each in instance.get_runs()}
    assert started in left
    assert len(left) == 4
