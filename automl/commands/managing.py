"""Commands that act on a study: `stop`, `delete`, `rename` and `note`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from automl.errors import AutoMLError
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes
from automl.terminal.names import of_studies

if TYPE_CHECKING:
    from automl.records import Deletion


def stop(study: flags.Study = None, db: flags.Db = None) -> None:
    """Ask a running study to stop after its running epochs; it can be resumed."""
    with exit_codes():
        from automl import service
        from automl.reports.life import suspended_words
        from automl.store import address

        row = service.stop(study, db=db)
        name = row.name
        print(f"study '{name}' stops after its running epochs. Go on with: {address.command('resume', name, db)}")
        if words := suspended_words(row):
            print(words)


def delete(
    studies: Annotated[
        list[str], typer.Argument(help="Names of the studies; see `automl studies`.", autocompletion=of_studies)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    db: flags.Db = None,
) -> None:
    """Delete studies for good: their results in the database, and their folders with logs and weights."""
    with exit_codes():
        from automl import service
        from automl.figures import size

        names = list(dict.fromkeys(studies))
        deletions = [service.deletion(name, db=db) for name in names]  # all are checked before one is deleted
        for deletion in deletions:
            for line in _described(deletion):
                print(line)
        if not yes and not _agreed(deletions):
            print("Nothing was deleted.")
            return
        for name in names:
            deleted = service.delete(name, db=db)
            print(f"Deleted '{name}' ({_trials(deleted.trials)}): {size(deleted.freed_bytes)} freed.")
            for note in deleted.notes:
                print(f"  {note}")


def _described(deletion: Deletion) -> list[str]:
    """Lines on what would be deleted."""
    from automl.figures import format_cost, size

    where = f", {size(deletion.size_bytes)} in {deletion.folder}" if deletion.folder else ""
    cost = format_cost(deletion.slot_s, deletion.device)
    return [f"{deletion.name}: {_trials(deletion.trials)}, {cost} spent{where}", *(f"  {n}" for n in deletion.notes)]


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


def _agreed(deletions: Sequence[Deletion]) -> bool:
    """Answer of the user. Raises AutoMLError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise AutoMLError(
            "nothing was deleted: there is no terminal to ask at. Add --yes to delete without a question."
        )
    what = f"study '{deletions[0].name}'" if len(deletions) == 1 else f"these {len(deletions)} studies"
    try:
        return input(f"Delete {what} for good? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def rename(
    old: flags.Named,
    new: Annotated[str, typer.Argument(help="Its new name.")],
    db: flags.Db = None,
) -> None:
    """Give a study and its folder another name."""
    with exit_codes():
        from automl import service

        row = service.rename(old, new, db=db)
        print(f"study '{old}' is called '{row.name}' now.")


def note(
    study: flags.Named,
    text: Annotated[str | None, typer.Argument(help="The note; '' removes it. Left out: print it.")] = None,
    db: flags.Db = None,
) -> None:
    """Keep a note beside a study, or print it."""
    with exit_codes():
        from automl import service

        written = service.note(study, text, db=db)
        if text is None:
            print(written or f"study '{study}' has no note.", file=sys.stdout if written else sys.stderr)
        else:
            print(f"Note of '{study}': {written}" if written else f"The note of '{study}' is removed.")
