"""Changes inside Ray, where it has no switch, for the time of a search. Their names stand in private_names.py.

Loads Ray when it is called, after cluster.py has imported it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from automl.drivers import private_names
from automl.drivers.place import Place, place
from automl.files.installed import PrivateName, check_names, is_there


@cache
def notes() -> tuple[str, ...]:
    """A note for each thing that this version of Ray does not let us change.

    Raises EngineMismatch where the driver cannot run with it at all.
    """
    return tuple(check_names(private_names.ENGINE, private_names.NAMES))


@contextmanager
def patched(where: Place, variables: Mapping[str, str]) -> Iterator[None]:
    """Keep a worker that Ray kills for memory from ending the search; afterwards Ray is as before.

    In a session of our own, Ray's messages stay off the terminal. In a session of the user's, the workers of trials
    have these environment variables: such a session has none for all of them.
    """
    with ExitStack() as stack:
        if _there(private_names.MEMORY):
            stack.enter_context(_survived_memory_kills())
        if where is Place.SESSION and _there(private_names.WORKERS):
            stack.enter_context(_workers_with(variables))
        if where is not Place.SESSION and _there(private_names.MESSAGES):
            stack.enter_context(_silenced_messages())
        if where is not Place.SESSION and _there(private_names.TERMINATION):
            stack.enter_context(_placement_groups_kept())
        yield


def has_tokens() -> bool:
    """True if Ray authenticates with a token in this process, as an earlier session here did: it keeps to that."""
    if not _there(private_names.TOKENS):
        return False
    from ray._raylet import AuthenticationMode, get_authentication_mode  # type: ignore[attr-defined]

    return bool(get_authentication_mode() == AuthenticationMode.TOKEN)


def use_tokens() -> None:
    """Let Ray authenticate with a token from now on, as RAY_AUTH_MODE says: it had read that variable before."""
    if _there(private_names.TOKENS):
        from ray._raylet import Config  # type: ignore[attr-defined]

        Config.initialize("")


def leave_placement_groups() -> None:
    """Let Tune give no placement group back: they end with our session, and a cluster that is gone answers nobody."""
    if place() is not Place.SESSION and _there(private_names.TERMINATION):
        from ray.air.execution.resources.placement_group import PlacementGroupResourceManager

        PlacementGroupResourceManager.__del__ = _leave


def _leave(manager: object) -> None:
    """Give nothing back."""


def _there(names: tuple[PrivateName, ...]) -> bool:
    return all(is_there(entry) for entry in names)


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _placement_groups_kept() -> Iterator[None]:
    """Take `leave_placement_groups` back."""
    from ray.air.execution.resources.placement_group import PlacementGroupResourceManager as Manager

    before = Manager.__del__
    try:
        yield
    finally:
        if Manager.__del__ is not before:
            gc.collect()  # the managers of our session go first
            Manager.__del__ = before


def _silenced_messages() -> Any:
    import ray

    return _replaced(ray._private.worker, "print_to_stdstream", lambda *args, **kwargs: None)  # the log has its own


def _survived_memory_kills() -> Any:
    import ray
    from ray.air.execution._internal.actor_manager import RayActorManager

    task_failed = RayActorManager._actor_task_failed

    def failed_or_killed(manager: Any, tracked_actor_task: Any, exception: Exception) -> None:
        """A worker killed for memory is a dead one as any other; by itself it would end the search."""
        if isinstance(exception, ray.exceptions.OutOfMemoryError):
            exception = ray.exceptions.RayActorError(error_msg=str(exception))
        task_failed(manager, tracked_actor_task, exception)

    return _replaced(RayActorManager, "_actor_task_failed", failed_or_killed)


def _workers_with(variables: Mapping[str, str]) -> Any:
    import ray
    from ray.tune.execution.class_cache import _ActorClassCache

    kinds: dict[type, Any] = {}

    def get(cache: object, kind: type) -> Any:
        """The remote class of a trial's process."""
        if kind not in kinds:
            kinds[kind] = ray.remote(runtime_env={"env_vars": dict(variables)})(kind)
        return kinds[kind]

    return _replaced(_ActorClassCache, "get", get)
