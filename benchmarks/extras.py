"""Libraries of the extra `bench`, which the product itself does not need."""

from __future__ import annotations

import importlib.util

from automl.errors import AutoMLError


def need(library: str, purpose: str) -> None:
    """Raise AutoMLError if the library is not installed; call it before any long work."""
    if importlib.util.find_spec(library) is None:
        raise AutoMLError(f"{purpose} needs {library}. In the checkout, run: pip install -e '.[bench]'")
