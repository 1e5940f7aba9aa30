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
ASKING = tuple(
    PrivateName(
        name,
        "to ask an address whether Ray is there",
        degraded="a wrong RAY_ADDRESS is noticed after minutes",
    )
    for name in ("ray._private.services:canonicalize_bootstrap_address", "ray._raylet:GcsClient")
)
TOKENS = tuple(
    PrivateName(
        name,
        "to know how Ray authenticates in this process",
        degraded="on a cluster that this process joins after a search on this machine, trials may fail",
    )
    for name in (
        "ray._raylet:AuthenticationMode",
        "ray._raylet:get_authentication_mode",
        "ray._raylet:Config",
        "ray._raylet:Config.initialize",
    )
)
_CACHE = "ray.tune.execution.class_cache:_ActorClassCache"
WORKERS = tuple(
    PrivateName(
        name,
        "to give the workers of a Ray session of yours their variables",
        caller,
        degraded="in a Ray session of yours trials may use more threads than their share",
    )
    for name, caller in (
        (_CACHE, "ray.tune.execution.tune_controller:TuneController.__init__"),
        (f"{_CACHE}.get", None),
    )
)

NAMES = (*PROCESSES, *MESSAGES, *MEMORY, *TERMINATION, *ASKING, *TOKENS, *WORKERS)
