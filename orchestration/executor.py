"""The executor of every run: one process, and nothing more once a step failed.

Some twenty short steps take less in one process than the start of a second one. Dagster's own
executor goes on after a failure, and says of each step that follows that it does not run: eighteen
red lines below the one that matters. Here the run ends with its cause, as on the terminal.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg


class StopsAtFailure(dg.Executor):
    """Dagster's in-process executor up to the first step that failed for good."""

    def __init__(self, inner: dg.Executor) -> None:
        """Wrap an executor."""
        self._inner = inner

    @property
    def retries(self) -> Any:  # noqa: ANN401  # Dagster's own type is not public
        """How steps are tried again."""
        return self._inner.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:  # noqa: ANN401
        """Yield the events of the steps, the failure last."""
        for event in self._inner.execute(plan_context, execution_plan):
            yield event
            if event.is_step_failure:
                return


@dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema)  # type: ignore[arg-type]  # as Dagster itself does
def one_process(context: dg.InitExecutorContext) -> dg.Executor:
    """Run steps one after the other in the process of the run, until one fails."""
    create = dg.in_process_executor.executor_creation_fn
    assert create is not None  # noqa: S101  # Dagster's own definition
    return StopsAtFailure(create(context))
