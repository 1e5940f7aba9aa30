"""Texts that may be handed to strangers: without the home folders, and so the names, of those who wrote them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# Home folders as systems have them: a study may have been made by someone else, on another machine.
_HOMES = re.compile(
    r"(?:(?<![\w.~])/(?:home|Users|export/home|var/home)/[^/\\\s:\"'<>|]+|\b[A-Za-z]:[\\/]Users[\\/][^/\\:\"'<>|]+)"
)
_ENDS = r"(?![\w.-])"  # after the whole name of a folder


_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+@")


def discreet(text: str, home: str | Path | None = None) -> str:
    """The text with `~` in the place of home folders, and without passwords in addresses.

    home  the user's own; None: as the system knows it
    """
    if "/" not in text and "\\" not in text:
        return text
    own = _folder(str(_home() if home is None else home))
    shown = text if own is None else own.sub("~", text)
    return _PASSWORD.sub(r"\1***@", _HOMES.sub("~", shown))


def discreet_values(value: Any) -> Any:
    """Plain containers with every text in them made discreet, keys too."""
    if isinstance(value, str):
        return discreet(value)
    if isinstance(value, Mapping):
        return {discreet_values(key): discreet_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [discreet_values(item) for item in value]
    return value


@lru_cache(maxsize=8)
def _folder(home: str) -> re.Pattern[str] | None:
    """Pattern of a folder's whole name; None for one that is a whole disk."""
    own = home.rstrip("/\\")
    if len(own) < 2 or re.fullmatch(r"[A-Za-z]:", own):
        return None
    return re.compile(rf"(?<![\w.~-]){re.escape(own)}{_ENDS}")


@cache
def _home() -> str:
    try:
        return str(Path.home())
    except (RuntimeError, KeyError):  # a container whose user has no HOME and no name
        return ""
