"""A generator over the items of a loop that calls back; the loop runs in a thread and waits its turn."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Closed(BaseException):
    """The generator was closed. Raised in the loop; not an Exception, so that no handler swallows it."""


class Turn(Generic[T]):
    """The loop's side of the generator."""

    def __init__(self) -> None:
        self._box: SimpleQueue[tuple[T] | None] = SimpleQueue()
        self._requests = threading.Semaphore(0)
        self._closing = threading.Event()

    def offer(self, item: T) -> None:
        """Hand an item over and wait until the caller wants the next one.

        Raises Closed if the generator was closed.
        """
        self._box.put((item,))
        self._requests.acquire()
        self.check()

    def check(self) -> None:
        """Raise Closed if the generator was closed. Cheap: call it at every step."""
        if self._closing.is_set():
            raise Closed


def stepwise(loop: Callable[[Turn[T]], None], name: str = "loop") -> Generator[T, None, None]:
    """Yield the items that the loop offers; the loop waits while the caller holds an item.

    Closing the generator, or an exception thrown into it, ends the loop at its next `check` or `offer`.
    The thread has ended when this returns. An exception of the loop is raised here.
    """
    turn: Turn[T] = Turn()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            loop(turn)
        except Closed:
            pass
        except BaseException as error:  # handed to the caller below
            failure.append(error)
        finally:
            turn._box.put(None)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        while (item := turn._box.get()) is not None:
            yield item[0]
            turn._requests.release()
    except BaseException:
        turn._closing.set()
        turn._requests.release()
        thread.join()
        for error in failure:
            logger.error("%s failed while it was being closed: %r", name, error)
        raise
    thread.join()
    if failure:
        raise failure.pop()
