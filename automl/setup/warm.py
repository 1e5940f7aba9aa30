"""Earlier trainings: of this store, of a named study, and of the files of other tools."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of
from automl.data.dataset import known_fingerprints
from automl.errors import AutoMLError, UnknownName
from automl.files.moved import network
from automl.policy import Search
from automl.records import StudyRow, VariantWeights, model_of, weights_for
from automl.sampler import open_sampler
from automl.setup import request
from automl.setup.foreign import FORMATS, Reading, read_source
from automl.space import SearchSpace
from automl.space.earlier import Earlier
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

STUDIES = 5  # best earlier studies of the same data that are used without being named


def with_earlier(engine: Engine, checked: request.Checked) -> request.Checked:
    """The checked request with the results of earlier trainings, and sentences on them.

    Raises AutoMLError for a source that cannot be used; it names the file and the line or key.
    """
    search = checked.request
    checked = replace(checked, same_data=_digests(engine, checked))
    readings = [_of_source(engine, source, checked) for source in dict.fromkeys(search.warm_start)]
    earlier = [training for reading in readings for training in reading.recipes]
    notes = [note for reading in readings for note in reading.notes]
    counts = {}
    for row in _same_data(engine, checked) if search.reuse else ():
        trainings = list(_of_study(engine, row, checked))
        if trainings and row.name not in {training.source for training in earlier}:
            earlier += trainings
            counts[row.name] = len(trainings)
    unnamed = (*checked.notes, *_on_unnamed(counts))
    return replace(checked, earlier=tuple(earlier), read=tuple(notes), notes=unnamed)


def _on_unnamed(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Sentence on the trials of each study that nobody named; nothing without trials."""
    if not counts:
        return ()
    trials = ", ".join(f"{count} of '{name}'" for name, count in counts.items())
    return (f"Begins with results of earlier trials on the same data: {trials} (switch off: --no-warm-start).",)


def _digests(engine: Engine, checked: request.Checked) -> frozenset[str]:
    """Digests by which earlier studies may know the data, with the test split that this search does not look at."""
    known, file = checked.same_data, str(checked.dataset.file)
    others = (row.spec for row in read.studies(engine) if row.spec.data_fingerprint not in known)
    if checked.request.test or not any(spec.data == file for spec in others):
        return known
    return known.union(known_fingerprints(file, test=False))


def _same_data(engine: Engine, checked: request.Checked) -> list[StudyRow]:
    alike = [
        row
        for row in read.studies(engine)
        if row.spec.data_fingerprint in checked.same_data and row.spec.trainer == checked.request.trainer
    ]
    best = sorted(alike, key=lambda row: -(row.best_map50_95 or 0.0))[:STUDIES]  # of equals the newest
    names = {row.name for row in best}
    return [row for row in alike if row.name in names]


def _of_source(engine: Engine, source: str, checked: request.Checked) -> Reading:
    """Trainings of a file, a folder or a study, and notes on them. A folder of a study's name is not looked at."""
    _check_no_url(source)
    file = Path(source).expanduser()
    names = {row.name for row in read.studies(engine)}
    if _is_file(file) or (source not in names and (file.suffix in FORMATS or _is_folder(file))):
        known = request.known_keys(checked.request.trainer)
        return read_source(file, known, _name_of(file, checked.request.warm_start))
    try:
        row = read.study(engine, source)
    except UnknownName as error:
        raise AutoMLError(
            f"--warm-start {source}: no such file or folder, and {error} Files end in {', '.join(FORMATS)}."
        ) from None
    if row.spec.trainer != checked.request.trainer:
        raise AutoMLError(
            f"--warm-start {source}: that study's trainer is {row.spec.trainer}, this one's {checked.request.trainer}. "
            "Its parameters mean nothing here; leave it out."
        )
    return Reading(recipes=tuple(_of_study(engine, row, checked)), notes=())


def _check_no_url(source: str) -> None:
    """Raise AutoMLError for an address, without its password."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", source)
    if scheme is None:
        return
    if scheme[1].startswith(("http", "s3", "gs", "ftp")):
        raise AutoMLError(f"--warm-start {scheme[1]}://…: nothing is downloaded; name a file on this machine.")
    raise AutoMLError(
        f"--warm-start {scheme[1]}://…: databases are not read. Write a study of Optuna as a table: "
        "study.trials_dataframe().to_csv('trials.csv'). A study of automl goes by its name, with --db."
    )


def _name_of(file: Path, sources: Sequence[str]) -> str:
    """Name of a file's recipes in the plan: its own, with its folder's where several sources are named alike."""
    names = Counter(Path(source).expanduser().absolute().name for source in dict.fromkeys(sources))
    place = file.absolute()
    return place.name if names[place.name] == 1 else f"{place.parent.name}/{place.name}"


def _is_file(file: Path) -> bool:
    return os.path.isfile(file)  # noqa: PTH113 (False where the name is too long for a path)


def _is_folder(file: Path) -> bool:
    return os.path.isdir(file)  # noqa: PTH112 (likewise)


def _of_study(engine: Engine, row: StudyRow, checked: request.Checked) -> Iterator[Earlier]:
    """The study's trials with their scores at the horizon, extrapolated by its own search if they were stopped."""
    spec, search = row.spec, checked.request
    known = request.known_keys(spec.trainer)
    holdout = search.holdout or 0.0
    same = (
        spec.data_fingerprint in checked.same_data
        and (spec.trainer, spec.holdout) == (search.trainer, holdout)
        and (not holdout or spec.seed == search.seed)
        and ("amp" in spec.fixed or spec.slots.device == "cpu")  # earlier versions took another precision on a GPU
    )
    rows = read.trials(engine, row.name)
    sampler = open_sampler("random", SearchSpace.from_document(spec.space), 0)
    searched = replace(spec, sampler="random", warm=(), confirming=None)
    past = Search(searched, sampler, Ledger(limits_of(searched)))
    past.replay(rows, read.epochs(engine, row.name))
    for trial in reversed(rows):
        score = past.runs[trial.number].told
        if score is not None and trial.purpose.searched:
            model = model_of(spec, trial.params)
            now = network(spec, model)
            alike = same and _digest(weights_for(spec, model)) == _digest(checked.weights_for(now))
            yield Earlier(
                source=row.name,
                params={**known, **spec.fixed, **trial.params, **({"model": now} if now != model else {})},
                score=score,
                done_epochs=trial.done_epochs,
                epochs=spec.epochs if alike else None,
            )


def _digest(weights: VariantWeights | None) -> str | None:
    return weights.sha256 if weights is not None else None
