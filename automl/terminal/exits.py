"""How a command ends: one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from automl.errors import AutoMLError, SearchFailed


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn an AutoMLError into one message and exit code 2, a search without an answer into 1, Ctrl-C into 130."""
    try:
        yield
    except SearchFailed as error:
        print(f"automl: the search ended without an answer: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except AutoMLError as error:
        print(f"automl: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        print("automl: interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
