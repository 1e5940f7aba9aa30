"""Files of other people that the user trusts, remembered by their content in the user's own folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from automl.errors import AutoMLError
from automl.files.home import expanded


def list_file() -> Path:
    """The list of trusted files: never in a folder that may come from somebody else."""
    return expanded(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "automl" / "trusted-models"


def digest_of(content: bytes) -> str:
    """Hex digest by which a file is remembered, wherever it lies and however it is called."""
    return hashlib.sha256(content).hexdigest()


def is_trusted(digest: str) -> bool:
    """True if the user has trusted a file of this content before."""
    try:
        lines = list_file().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.split(maxsplit=1)[:1] == [digest] for line in lines)


def trust(digest: str, name: str) -> None:
    """Remember that the user trusts a file of this content. Raises AutoMLError where nothing can be written.

    name  of the file, for whoever reads the list
    """
    file = list_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"{digest}  {name!a}\n")
    except OSError as error:
        raise AutoMLError(
            f"{file} cannot be written ({error.strerror}), and it remembers which network files you trust. Let "
            "XDG_CONFIG_HOME name a folder of yours."
        ) from None
