"""What Dagster gives to assets: plain objects, made from settings when a run begins.

Settings are read in the run, not in configuration: so definitions load with an empty
environment, and no secret can appear in the UI. How the objects are made is `resources`.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import dagster as dg

from connectors.storage.files import PRIVATE
from orchestration import run_tags
from orchestration.json_logs import say
from orchestration.resources import make_delivery_service, make_publisher, make_workspace
from publication.delivery import DeliveryService
from publication.run_inputs import RunInputs, no_note
from reports.publisher import Publisher


def _say_who(context: dg.InitResourceContext) -> None:
    """Note in a run's tags who launched it, and why; a command's run says so itself."""
    run = context.run
    if context.instance and run and run.tags.get(run_tags.COMMAND) != run.run_id:
        context.instance.add_run_tags(run.run_id, run_tags.of_run(run.tags))


class RunInputsResource(dg.ConfigurableResource[RunInputs]):
    """Extracts, policies and the target book of `ONPACE_HOME` and `ONPACE_POLICY`, as one run reads them."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[RunInputs]:
        """Begin the inputs of a run, and end its hold of the month with it."""
        # The process of a run is Dagster's, and has the umask of whoever began it.
        os.umask(PRIVATE)
        tell, instance, run = (
            context.log.info if context.log else say,
            context.instance,
            context.run,
        )
        noted = no_note
        if instance and run:
            _say_who(context)
            noted = partial(run_tags.note, instance, run.run_id)
        with RunInputs(make_workspace(), "a run of the UI or its schedule", tell, noted) as inputs:
            yield inputs


class DeliveryServiceResource(dg.ConfigurableResource[DeliveryService]):
    """Recipients, the ledger of deliveries and the mail server."""

    def create_resource(self, context: dg.InitResourceContext) -> DeliveryService:
        """Build it from settings."""
        _say_who(context)
        return make_delivery_service()


class PublisherResource(dg.ConfigurableResource[Publisher]):
    """What prints packs below `ONPACE_HOME/packs`."""

    def create_resource(self, context: dg.InitResourceContext) -> Publisher:  # noqa: ARG002  # Dagster's signature
        """Build it from settings."""
        return make_publisher()
