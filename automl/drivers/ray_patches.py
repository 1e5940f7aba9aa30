"""Changes inside Ray, where it has no switch. Their names stand in private_names.py.

Loads Ray when it is called, after cluster.py has set the variables that Ray reads on import.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from automl.drivers import private_names
from automl.files.installed import check_names, is_there


@cache
def apply_patches() -> tuple[str, ...]:
    """Keep Ray's own messages off the terminal, and a worker that it kills for memory from ending the search.

    Once a process. Returns a note for each thing that this version of Ray does not let us change.

    Raises EngineMismatch where the driver cannot run with it at all.
    """
    notes = check_names(private_names.ENGINE, private_names.NAMES)
    if all(is_there(entry) for entry in private_names.MESSAGES):
        _silence_messages()
    if all(is_there(entry) for entry in private_names.MEMORY):
        _survive_memory_kills()
    return tuple(notes)


def leave_placement_groups() -> None:
    """Let Tune give no placement group back: they end with the session, and a cluster that is gone answers nobody."""
    with suppress(ImportError):  # of which a note has told
        from ray.air.execution.resources.placement_group import PlacementGroupResourceManager

        PlacementGroupResourceManager.__del__ = lambda manager: None


def _silence_messages() -> None:
    import ray

    ray._private.worker.print_to_stdstream = lambda *args, **kwargs: None  # the study's log has its own


def _survive_memory_kills() -> None:
    import ray
    from ray.air.execution._internal.actor_manager import RayActorManager

    task_failed = RayActorManager._actor_task_failed

    def failed_or_killed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        """A worker killed for memory is a dead one as any other; by itself it would end the search."""
        if isinstance(exception, ray.exceptions.OutOfMemoryError):
            exception = ray.exceptions.RayActorError(error_msg=str(exception))
        task_failed(manager, tracked_actor_task, exception)

    RayActorManager._actor_task_failed = failed_or_killed
