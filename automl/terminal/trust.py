"""The question whether a file of other people is trusted."""

from __future__ import annotations

import sys

from automl.errors import UntrustedNetwork


def asked(error: UntrustedNetwork) -> bool:
    """True if somebody at the terminal says yes; False where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(
        f"{error.problem}. That can run code on this machine; nothing of the file was run so far.\n"
        "Trust this file from now on? (yes/no) ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    try:
        answer = sys.stdin.readline()
    except UnicodeDecodeError:
        return False
    return answer.strip().lower() in ("y", "yes")
