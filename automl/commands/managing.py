"""Commands that act on a study: `stop`."""

from __future__ import annotations

from automl.terminal import options as flags
from automl.terminal.exits import exit_codes


def stop(study: flags.Study = None, db: flags.Db = None) -> None:
    """Ask a running study to stop after its running epochs; it can be resumed."""
    with exit_codes():
        from automl import service
        from automl.store import address

        name = service.stop(study, db=db).name
        print(f"study '{name}' stops after its running epochs. Go on with: {address.command('resume', name, db)}")
