"""The code location by name, and how a run of this process says that it belongs there.

Put here what the UI must know of a run that it did not launch itself: without a location it stands
in no timeline and under no job, and cannot be executed again (dagster#19458, #17707).
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import dagster as dg

NAME, MODULE, REPOSITORY = "onpace", "orchestration.definitions", "__repository__"


def belonging_here(instance: dg.DagsterInstance, job_name: str) -> dg.DagsterInstance:
    """Return the instance; runs of a job that it creates from now on belong to the code location.

    `execute_in_process` creates its run without an origin, and has no parameter for one; the
    instance's own method has.
    """
    create: Any = type(instance).create_run_for_job
    instance.create_run_for_job = partial(create, instance, remote_job_origin=_origin(job_name))  # type: ignore[method-assign]
    return instance


def _origin(job_name: str) -> object:
    """Return the origin that the webserver gives a run, in the words in which Dagster stores it."""
    target = {"__class__": "LoadableTargetOrigin", "module_name": MODULE}
    nothing = dict.fromkeys(
        ("attribute", "executable_path", "package_name", "python_file", "working_directory")
    )
    location = {
        "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
        "loadable_target_origin": target | nothing,
        "location_name": NAME,
    }
    repository = {
        "__class__": "ExternalRepositoryOrigin",
        "repository_location_origin": location,
        "repository_name": REPOSITORY,
    }
    return dg.deserialize_value(
        json.dumps(
            {
                "__class__": "ExternalPipelineOrigin",
                "external_repository_origin": repository,
                "pipeline_name": job_name,
            }
        )
    )
