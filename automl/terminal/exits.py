"""End of a command: one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from automl.errors import AutoMLError, SearchFailed
from automl.host.shortage import in_words
from automl.records import EndedBy

CODES = (
    "Exit codes: 0 done, or stopped by `automl stop`; 1 the search ended without an answer, by an error, or with rows "
    "that the database did not take, or `automl check` found data that cannot be trained on; 2 wrong input, nothing "
    "was begun; 130 interrupted, go on with `automl resume`."
)
_RESUMABLE = {EndedBy.STOP: 0, EndedBy.USER: 130}


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
        raise typer.Exit(1 if error.begun else 2) from error
    except (OSError, MemoryError, RuntimeError) as error:
        words = in_words(error)
        if words is None or isinstance(error, typer.Exit):
            raise
        print(f"automl: {words}.", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print("automl: interrupted", file=sys.stderr)
        raise typer.Exit(130) from None


def resumable_code(ended_by: EndedBy | None) -> int:
    """Exit code of a search that was interrupted by it and can be resumed; 1 for an unexpected cause."""
    return 1 if ended_by is None else _RESUMABLE.get(ended_by, 1)
