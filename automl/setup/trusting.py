"""Trust in network files that could run code: asked for, and remembered, before anything of them is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from automl.errors import UntrustedNetwork
from automl.files import trusted

Result = TypeVar("Result")


def trusting(call: Callable[[], Result], agrees: Callable[[UntrustedNetwork], bool]) -> Result:
    """The result of the call, which is made again after each file that is trusted.

    agrees  True if the user trusts that file

    Raises UntrustedNetwork for the first one that is not trusted.
    """
    while True:
        try:
            return call()
        except UntrustedNetwork as error:
            if not agrees(error):
                raise
            trusted.trust(error.digest, error.file)
