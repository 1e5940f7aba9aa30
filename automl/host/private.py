"""Files with secrets: only their owner may read them. On systems without such rights there is nothing to do."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

logger = logging.getLogger(__name__)

_OTHERS = 0o077  # rights of the group and of everyone


def only_owner(file: Path, what: str) -> None:
    """Take the rights of others from a file that is ours, and log a sentence; of another's file warn only.

    what  the file holds, as the end of "whoever reads it …"
    """
    try:
        state = file.stat()
    except OSError:
        return
    if os.name != "posix" or not state.st_mode & _OTHERS:
        return
    try:
        if state.st_uid != os.geteuid():
            raise PermissionError
        file.chmod(state.st_mode & ~_OTHERS)
    except OSError:
        logger.warning("%s can be read by others, and whoever reads it %s. Run: chmod 600 %s", file, what, file)
    else:
        logger.warning("%s could be read by others, and whoever reads it %s. Now only you can read it.", file, what)


def ray_token() -> Path:
    """File of the token with which this user's Ray sessions know each other."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(named) if named else Path.home() / ".ray" / "auth_token"


def keep_ray_token() -> None:
    """Let only the user read the token of Ray; make one where there is none: Ray's own could be read by everyone.

    Whoever has the token can run code in the session. Without RAY_AUTH_MODE Ray begins local sessions with a token.
    """
    file = ray_token()
    only_owner(file, "can run code in your Ray sessions")
    wanted = os.environ.get("RAY_AUTH_MODE", "token").lower() == "token"
    if not wanted or os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH") or file.exists():
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(secrets.token_hex(32), encoding="ascii")
        part.replace(file)
    except OSError:  # Ray says what it needs
        logger.debug("no token of Ray could be written", exc_info=True)
