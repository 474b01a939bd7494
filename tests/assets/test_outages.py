"""An outage of Salesforce is tried again through the morning by a scheduled run, and by no other; nothing else is."""

from pathlib import Path

import dagster as dg
import pytest

from assets import extract
from connectors.salesforce.auth import LoginRefused
from connectors.salesforce.refusals import SalesforceUnavailable
from orchestration.definitions import build_defs
from publication.run_inputs import RunInputs
from tests.publication.april import workspace_of
from tests.reports.months import MONTH
from tests.temporary_instance import temporary_instance

SCHEDULED = {"dagster/schedule_name": "month_end_schedule"}


@pytest.mark.parametrize(
    ("fault", "tags", "attempts"),
    [
        (SalesforceUnavailable("acme did not answer"), SCHEDULED, extract.ATTEMPTS),
        (SalesforceUnavailable("acme did not answer"), {}, 1),
        (
            SalesforceUnavailable("acme did not answer"),
            SCHEDULED | {"dagster/parent_run_id": "a"},
            1,
        ),
        (LoginRefused("acme refused the login"), SCHEDULED, 1),
        (KeyboardInterrupt(), SCHEDULED, 1),
        (OSError("no space left on device"), SCHEDULED, 1),
    ],
)
def test_only_an_outage_is_tried_again_and_only_where_nobody_waits(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    tags: dict[str, str],
    attempts: int,
) -> None:
    asked: list[int] = []
    waited: list[float] = []

    def fails(*_: object) -> None:
        asked.append(1)
        raise fault

    monkeypatch.setattr(extract, "resolve_extract", fails)
    monkeypatch.setattr(extract, "pause", waited.append)
    workspace = workspace_of(tmp_path)
    with (
        temporary_instance(tmp_path) as instance,
        RunInputs(workspace) as inputs,
        pytest.raises(
            (dg.Failure, KeyboardInterrupt, OSError, dg.DagsterExecutionStepExecutionError)
        ),
    ):
        build_defs(inputs=inputs).resolve_job_def("month_end").execute_in_process(
            partition_key=str(MONTH),
            instance=instance,
            tags=tags,
            asset_selection=[dg.AssetKey(name) for name in extract.FROM_SALESFORCE],
        )
    assert len(asked) == attempts
    assert sum(waited) == (attempts - 1) * 15 * 60, "four hours at most"
