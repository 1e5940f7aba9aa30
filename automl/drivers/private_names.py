"""Names inside Ray that the driver relies on: none is promised to stay.

Whoever uses a new one enters it here; tests compare this table with the code and with the installed version.
"""

from __future__ import annotations

from automl.files.installed import PrivateName

ENGINE = "ray"

_MANAGER = "ray.air.execution._internal.actor_manager:RayActorManager"
_RESOURCES = "ray.air.execution.resources.placement_group:PlacementGroupResourceManager"

PROCESSES = (
    PrivateName("ray.tune.experiment.trial:Trial().temporary_state", "to reach the process of a trial"),
    PrivateName("ray.tune.experiment.trial:_TemporaryTrialState().ray_actor", "to reach the process of a trial"),
)
MESSAGES = (
    PrivateName(
        "ray._private.worker:print_to_stdstream",
        "to keep Ray's messages off the terminal",
        "ray._private.worker:listen_error_messages",
        degraded="its messages on workers that died stand between those of the search",
    ),
)
MEMORY = tuple(
    PrivateName(
        name,
        "to go on with a trial whose worker was killed for memory",
        caller,
        degraded="a worker that is killed for memory ends the search, which can then be resumed",
    )
    for name, caller in (
        (_MANAGER, None),
        (f"{_MANAGER}._actor_task_failed", _MANAGER),
        ("ray.exceptions:OutOfMemoryError", None),
        ("ray.exceptions:RayActorError().error_msg", None),
    )
)
TERMINATION = tuple(
    PrivateName(
        name,
        "to end at once when it is told to",
        degraded="a search that is told to terminate may wait for its cluster for a minute",
    )
    for name in (_RESOURCES, f"{_RESOURCES}.__del__")
)

NAMES = (*PROCESSES, *MESSAGES, *MEMORY, *TERMINATION)
