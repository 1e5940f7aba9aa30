"""The weights file with which the trainings of each model variant start, from the words of `--weights`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from automl.errors import BadWeights
from automl.figures import listed
from automl.files import users
from automl.records import VariantWeights
from automl.trainers.ultralytics import fitting, pretrained, schema
from automl.trainers.ultralytics.weights import check_weights, sha256

AUTO, NONE = "auto", "none"
Say = Callable[[str], None]  # a sentence for the user, at once


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Weights files of the variants, and sentences on those that have none."""

    files: tuple[VariantWeights, ...] = ()  # a variant that is left out starts from scratch
    notes: tuple[str, ...] = ()


def from_scratch(words: str, models: Sequence[str] = ()) -> bool:
    """True if every training starts from scratch.

    words   of `--weights`
    models  variants as far as they are known; without any it is the words that count
    """
    without = bool(models) and all(pretrained.asset_of(model) is None for model in models)
    return words.strip() in ("", NONE) or (words.strip() == AUTO and without)


def find_weights(
    words: str,
    models: Sequence[str],
    *,
    offline: bool,
    say: Say = lambda text: None,
    given: Mapping[str, Path] = MappingProxyType({}),
) -> Starts:
    """The weights file of each model variant. Downloads those of `auto` that are not here.

    words    "auto", "none", files separated by commas, or a folder
    models   names of variants, and absolute paths of own networks
    offline  True if nothing may be downloaded; YOLO_OFFLINE forbids it too
    given    files that `auto` takes for some variants instead of the pretrained ones

    Raises BadWeights.
    """
    if words.strip() in ("", NONE):
        return Starts(notes=(_SCRATCH,))
    offline = offline or users.is_offline()
    if words.strip() == AUTO:
        return _automatic(models, given, offline=offline, say=say)
    if Path(words).expanduser().is_dir():
        return _starts(_of_folder(Path(words).expanduser().absolute(), models))
    texts = [words] if Path(words).expanduser().is_file() else [part.strip() for part in words.split(",")]
    files = [_file(text, offline=offline, say=say) for text in texts if text]
    return _starts(dict.fromkeys(models, files[0]) if len(files) == 1 else matched(files, models))


_SCRATCH = (
    "--weights none: every trial trains from scratch. On small and medium data sets pretrained weights usually give "
    "more than any search."
)


def _automatic(models: Sequence[str], given: Mapping[str, Path], *, offline: bool, say: Say) -> Starts:
    files, without = {}, []
    for model in models:
        name = pretrained.asset_of(model)
        if model in given:
            files[model] = check_weights(given[model])
        elif name is None:
            without.append(Path(model).name)
        else:
            files[model] = pretrained.get(name, f"{model} starts from {name}", offline=offline, say=say)
    note = (
        f"{listed(without)} has no pretrained weights, so its trials train from scratch. Name some with --weights FILE."
        if len(without) == 1
        else f"{listed(without)} have no pretrained weights, so their trials train from scratch. "
        "Name some with --weights FILE."
    )
    return _starts(files, notes=(note,) if without else ())


def _of_folder(folder: Path, models: Sequence[str]) -> Mapping[str, Path]:
    files = {}
    for model in models:
        file = pretrained.in_folder(folder, model)
        if file is None:
            name = pretrained.asset_of(model) or f"{Path(model).stem}.pt"
            raise BadWeights(
                f"--weights {folder}: the folder has no weights for {Path(model).name}. Put {name} there, or name the "
                "files with --weights FILE,FILE."
            )
        files[model] = check_weights(file)
    return files


def _file(text: str, *, offline: bool, say: Say) -> Path:
    """The named file; a bare name of Ultralytics' that is not here is found, or downloaded, as `yolo` does."""
    name = pretrained.file_of(text)
    if Path(text).expanduser().exists() or name not in pretrained.release().names:
        return check_weights(text)
    return pretrained.get(name, f"--weights {text} means {name}", offline=offline, say=say)


def matched(files: Sequence[Path], models: Sequence[str]) -> Mapping[str, Path]:
    """Several files by variant: those named after a network first, the others by the tensors that fit.

    Raises BadWeights if a variant fits none, or a file fits no variant better than the others do.
    """
    chosen: dict[str, Path] = {}
    for model in models:
        wanted = schema.common_name(model) if schema.is_packaged(model) else Path(model).stem
        named = [file for file in files if pretrained.network_of(file) == wanted]
        chosen |= {model: named[0]} if named else {}
    left = [file for file in files if file not in chosen.values()]
    unmatched = [model for model in models if model not in chosen]
    if unmatched and left:
        counts = fitting.fitting_tensors(unmatched, left)
        for model, row in zip(unmatched, counts, strict=True):
            best = max(range(len(left)), key=lambda column, row=row: row[column])  # type: ignore[misc]
            if row[best]:
                chosen[model] = left[best]
    shown = ",".join(file.name for file in files)
    unfit = [model for model in models if model not in chosen]
    if unfit:
        raise BadWeights(
            f"--weights {shown}: none of them fits {listed([Path(model).name for model in unfit])}. Name one file for "
            "each of the --models, or one for all."
        )
    idle = [file.name for file in files if file not in chosen.values()]
    if idle:
        raise BadWeights(
            f"--weights {shown}: {listed(idle)} is for none of {listed([Path(model).name for model in models])}. Name "
            "one file for each of the --models, or leave it out."
        )
    return chosen


def _starts(files: Mapping[str, Path], notes: Sequence[str] = ()) -> Starts:
    digest = cache(sha256)
    return Starts(
        files=tuple(VariantWeights(model, str(file), digest(file)) for model, file in files.items()), notes=tuple(notes)
    )
