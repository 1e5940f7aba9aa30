"""Files of a study after a move: the one rule for where they are now.

A study's row names files below the home folder by their place in it. The user's own files, such as the data set, are
named by their absolute path, and beside it the home of that time is kept: what has moved together with the home is
found at the same place beside the new one. Rows of earlier versions have absolute paths only.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from automl.files import folders
from automl.files.home import STUDIES
from automl.records import StudySpec

MARK = ".study"  # file in a study's folder with the key of its spec


@dataclass(frozen=True, kw_only=True)
class Homes:
    """Home folders in which the studies of a database may lie."""

    here: Path  # that of this process
    beside: Path | None = None  # folder of an SQLite file


# -- rows ---------------------------------------------------------------------------------------------


def portable(spec: StudySpec) -> dict[str, Any]:
    """The spec for its row: files below the home by their place in it, with slashes."""
    home = home_of(spec.directory)
    if home is None:
        return spec.to_dict()
    return replace(
        spec,
        home=str(home),
        directory=inside(spec.directory, home),
        data=inside(spec.data, home),
        weights=None if spec.weights is None else inside(spec.weights, home),
        weights_of=tuple(weights._replace(path=inside(weights.path, home)) for weights in spec.weights_of),
    ).to_dict()


def located(document: Mapping[str, Any], homes: Homes) -> StudySpec:
    """The spec of a row with the present paths; a file that is nowhere has the path at which it should be."""
    spec = StudySpec.from_dict(document)
    before = _recorded(spec)
    if before is None:
        return spec
    folder = PurePosixPath(*_pure(spec.directory).parts[-2:])
    home = _present_home(spec, Path(str(before)), folder, homes)
    return replace(
        spec,
        home=str(before),
        directory=str(home / folder),
        data=present(spec.data, before, home),
        weights=None if spec.weights is None else present(spec.weights, before, home),
        weights_of=tuple(weights._replace(path=present(weights.path, before, home)) for weights in spec.weights_of),
    )


def renamed(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The document of a row under another name, and with the folder of that name where it has one of its own."""
    directory = _pure(str(document["directory"]))
    if directory.parts[-2:] == (STUDIES, document["name"]):
        directory = directory.with_name(name)
    return {**document, "name": name, "directory": str(directory)}


def _present_home(spec: StudySpec, before: Path, folder: PurePosixPath, homes: Homes) -> Path:
    """The home in which the study's folder lies now; that of this process if it is in none.

    An earlier version's row names a folder, which comes before one of the same name in another home.
    """
    later = (homes.here, before) if spec.home else (before, homes.here)
    places = [*([homes.beside] if homes.beside is not None else []), *later]
    return next((home for home in places if _is_dir(home / folder) and is_of(home / folder, spec)), homes.here)


def check_places(data: str, folder: str | None, before: str, homes: Homes) -> tuple[str, str | None]:
    """Present paths of a data check's data.yaml and of the folder with its pictures.

    data, folder  as recorded: absolute, or the place in the home
    before        the home at that time
    """
    places = (*([homes.beside] if homes.beside is not None else []), homes.here, Path(before))
    home = next((home for home in places if folder is not None and _is_dir(home / folder)), homes.here)
    recorded = _pure(before)
    return present(data, recorded, home), None if folder is None else present(folder, recorded, home)


# -- files --------------------------------------------------------------------------------------------


def home_of(directory: str) -> PurePath | None:
    """Home folder of a study's folder HOME/studies/NAME; None for a folder of another form."""
    path = _pure(directory)
    return path.parents[1] if path.is_absolute() and path.parent.name == STUDIES else None


def present(path: str, before: PurePath, home: Path) -> str:
    """Present path of a file: in the home, or as it is recorded, or at the same place beside the present home.

    path    recorded: absolute, or the place in the home
    before  the home at that time
    home    the present one

    A file that is nowhere has the path at which it should be. `before` and `path` may be of another operating system.
    """
    pure = _pure(path)
    if not pure.is_absolute():
        return _first(home / path, Path(str(before)) / path) or str(home / path)
    if pure.is_relative_to(before):
        place = pure.relative_to(before).as_posix()
        return _first(home / place, Path(path)) or str(home / place)
    return _first(Path(path), *_beside(pure, before, home)) or path


def network(spec: StudySpec, model: str) -> str:
    """The model, or the present file of one that a file of the user's or of the home describes.

    Where this file is gone it is the copy that the study keeps.
    """
    if not _pure(model).is_absolute():
        return model
    before, home = _recorded(spec), home_of(spec.directory)
    file = model if before is None or home is None else present(model, before, Path(home))
    copy = folders.network(spec.directory, model)
    return str(copy) if not Path(file).is_file() and copy.is_file() else file


def keep_network(directory: Path, model: str) -> None:
    """Copy the file that describes a network into the study's folder; nothing for a name."""
    file = Path(model)
    if file.is_absolute() and file.is_file():
        copy = folders.network(directory, model)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


def elsewhere(spec: StudySpec) -> str:
    """The path at which the study's folder was recorded, where that is not its present one; else empty."""
    before = _recorded(spec)
    recorded = "" if before is None else str(before / PurePosixPath(*_pure(spec.directory).parts[-2:]))
    return "" if recorded == spec.directory else recorded


# -- marks --------------------------------------------------------------------------------------------


def new_key() -> str:
    """Key for a study and its folder."""
    return uuid.uuid4().hex


def mark(directory: Path, key: str) -> None:
    """Mark the folder as that of the study with the key."""
    (directory / MARK).write_text(f"{key}\n", encoding="utf-8")


def is_of(directory: Path, spec: StudySpec) -> bool:
    """False for a folder that bears the mark of another study. Earlier versions marked none."""
    try:
        return (directory / MARK).read_text(encoding="utf-8").strip() == spec.key
    except (OSError, UnicodeDecodeError):
        return True


# -- paths --------------------------------------------------------------------------------------------


def _recorded(spec: StudySpec) -> PurePath | None:
    return _pure(spec.home) if spec.home else home_of(spec.directory)


def _pure(path: str) -> PurePath:
    """The path in the style of the system that has written it."""
    return PureWindowsPath(path) if re.match(r"[A-Za-z]:[\\/]|\\\\", path) else PurePosixPath(path)


def inside(path: str, home: PurePath) -> str:
    """The path for a row: of a file below the home its place there, with slashes; of another one as it is."""
    pure = _pure(path)
    return pure.relative_to(home).as_posix() if pure.is_relative_to(home) else path


def _beside(path: PurePath, before: PurePath, home: Path) -> Iterator[Path]:
    """The same place from the present home; nothing where path and home had no more than the root in common."""
    common = 0
    for one, other in zip(path.parts, before.parts, strict=False):
        if one != other:
            break
        common += 1
    up = len(before.parts) - common
    if common > 1 and up < len(home.parts):
        yield Path(*home.parts[: len(home.parts) - up], *path.parts[common:])


def _first(*candidates: Path) -> str | None:
    """The first that exists."""
    return next((str(candidate) for candidate in candidates if _exists(candidate)), None)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that may not be entered
        return False


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
