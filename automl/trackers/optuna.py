"""Optuna studies: trials with distributions, parameters, values by epoch and states.

A study of automl becomes up to three: one with its name, in which every trial may win, and beside it `NAME repeats` and
`NAME production`. Other seeds and other lengths do not compare with the search, and Optuna's best trial, its
importances and its samplers would mix them. Optuna numbers trials without gaps, so numbers may differ: the attribute
`trial` has automl's.

In Optuna a trial that has ended never changes. A later export adds the new trials, and brings those up to date that
were running. Attributes of the study are always those of the latest export.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from automl.errors import AutoMLError, StudyConflict
from automl.files.shell import quoted
from automl.records import EpochRow, Params, Purpose, TrialRow
from automl.records import TrialState as State
from automl.space import POINT, Parameter, SearchSpace, trainer_key
from automl.trackers.contents import (
    AT_ONCE,
    Contents,
    Exported,
    check_key,
    evaluation_figures,
    facts,
    outcome,
    shown,
    summary,
)
from automl.trackers.optuna_tables import add_rows
from automl.trackers.places import check_reachable, check_sqlite, make_parent, reported, with_driver, writing

KEY = "automl_study"  # attribute of a study by which an export is known again
_WAY_OUT = "Check the URL, and that the server runs and lets you in; or write into a new file: sqlite:///FILE."
_STATES = {
    State.COMPLETED: TrialState.COMPLETE,
    State.STOPPED: TrialState.PRUNED,
    State.CUT: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
    State.RUNNING: TrialState.RUNNING,
    State.INTERRUPTED: TrialState.RUNNING,  # as waiting, another sampler would take it up
}


@dataclass(frozen=True)
class _Part:
    """The trials of one Optuna study."""

    name: str
    what: str  # sentence on them
    trials: tuple[TrialRow, ...]


def check(place: str) -> None:
    """Raise AutoMLError for a place that is neither the URL of a database nor a journal file."""
    if place.startswith("redis"):
        raise AutoMLError(f"--to optuna {shown(place)}: Redis is not supported. {_WAY_OUT}")
    check_sqlite("optuna", place)
    check_reachable("optuna", place, _WAY_OUT)
    if "://" not in place and Path(place).is_dir():
        raise AutoMLError(f"--to optuna {place}: this is a folder. Name a file, or a database: sqlite:///FILE.")


def write(contents: Contents, place: str) -> Exported:
    """Write the trials into the storage of that URL, or into a journal file.

    Raises StudyConflict where a study of the same name is another one, or has trials of another tool.
    """
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    epochs = 0
    try:
        with writing("optuna", place), reported("optuna", place, _WAY_OUT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            storage = _storage(place)
            studies = [(part, _study(contents, storage, part, place)) for part in _parts(contents)]
            for part, study in studies:
                epochs += _write_trials(contents, storage, study, part)
    finally:
        optuna.logging.set_verbosity(before)
    names = tuple(f"'{part.name}' has {part.what}" for part, _ in studies[1:])
    look = f"optuna-dashboard {quoted(shown(with_driver(place)))}"
    return Exported(
        tool="optuna", place=shown(place), trials=len(contents.trials), epochs=epochs, look=look, notes=names
    )


def _parts(contents: Contents) -> list[_Part]:
    """The study and its companions; a companion only where it has trials."""
    name, kinds = contents.study.name, (Purpose.CONFIRMATION, Purpose.PRODUCTION)
    groups = [tuple(row for row in contents.trials if row.purpose is kind) for kind in kinds]
    main = tuple(row for row in contents.trials if row.purpose not in kinds)
    repeats = _Part(f"{name} repeats", "the same recipes trained with other seeds", groups[0])
    production = _Part(f"{name} production", "the trainings at production length", groups[1])
    return [_Part(name, "the search", main), *(part for part in (repeats, production) if part.trials)]


def _storage(place: str) -> BaseStorage:
    if "://" in place:
        make_parent(place)
        return RDBStorage(with_driver(place))
    file = Path(place)
    file.absolute().parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size and file.open("rb").read(1) != b"{":
        raise StudyConflict(f"--to optuna {place}: the file is no journal of Optuna. Name another file.")
    lock = JournalFileOpenLock(place) if os.name == "nt" else None  # links need a privilege there
    return JournalStorage(JournalFileBackend(place, lock_obj=lock))


def _study(contents: Contents, storage: BaseStorage, part: _Part, place: str) -> optuna.Study:
    """The Optuna study of a part, with its attributes; created where it is missing."""
    known = {study.study_name: study for study in optuna.get_all_study_summaries(storage, include_best_trial=False)}
    if part.name in known:
        check_key(known[part.name].user_attrs.get(KEY), contents, shown(place))
    study = optuna.create_study(storage=storage, study_name=part.name, direction="maximize", load_if_exists=True)
    _check_trials(study, part, place)
    attributes = {KEY: contents.key, "trials": part.what, **summary(contents), **_numbers(contents, part)}
    for row in contents.evaluations:
        figures = {f"trial {row.trial}, {key}": value for key, value in evaluation_figures(row).items()}
        attributes |= figures if row.trial in {trial.number for trial in part.trials} else {}
    before = study.user_attrs
    for key, value in attributes.items():
        if before.get(key) != value:
            study.set_user_attr(key, value)
    return study


def _check_trials(study: optuna.Study, part: _Part, place: str) -> None:
    """Raise StudyConflict if the study has trials that are not automl's."""
    numbers = [trial.user_attrs.get("trial") for trial in study.get_trials(deepcopy=False)]
    if numbers != [trial.number for trial in part.trials][: len(numbers)]:
        raise StudyConflict(
            f"the study '{part.name}' in {shown(place)} has trials that automl did not write. Nothing was changed "
            "there: export to another place."
        )


def _numbers(contents: Contents, part: _Part) -> dict[str, int]:
    """Optuna's numbers of the defaults and of the winner, as far as they are among the trials of a part."""
    numbers = [trial.number for trial in part.trials]
    named = {"defaults_optuna_number": 0, "winner_optuna_number": contents.winner}
    return {key: numbers.index(number) for key, number in named.items() if number is not None and number in numbers}


def _write_trials(contents: Contents, storage: BaseStorage, study: optuna.Study, part: _Part) -> int:
    """Add the missing trials and bring those up to date that were running; the number of epochs of all."""
    known = study.get_trials(deepcopy=False)
    unfinished = {trial.number: trial for trial in known if not trial.state.is_finished()}
    space = SearchSpace.from_document(contents.study.spec.space)
    fresh: list[FrozenTrial] = []
    numbers = [trial.number for trial in part.trials]
    wanted = [number for place, number in enumerate(numbers) if place >= len(known) or place in unfinished]
    places = {number: place for place, number in enumerate(numbers)}
    for row, epochs in contents.curves(wanted):
        trial = _trial(contents, space, row, epochs)
        if places[row.number] in unfinished:
            _update(storage, study, unfinished[places[row.number]], trial)
        else:
            fresh.append(trial)
        if len(fresh) >= AT_ONCE:
            _add(storage, study, fresh)
            fresh = []
    _add(storage, study, fresh)
    return sum(trial.done_epochs for trial in part.trials)


def _add(storage: BaseStorage, study: optuna.Study, trials: Sequence[FrozenTrial]) -> None:
    """Add new trials; in a database many at a time, because Optuna's own way takes a tenth of a second for each."""
    if not trials:
        return
    if not isinstance(storage, RDBStorage) or not add_rows(storage, study, trials):
        study.add_trials(trials)


def _update(storage: BaseStorage, study: optuna.Study, before: FrozenTrial, trial: FrozenTrial) -> None:
    """Bring a trial up to date that was running when it was exported. Optuna takes this export for its end."""
    key = storage.get_trial_id_from_study_id_trial_number(
        storage.get_study_id_from_name(study.study_name), before.number
    )
    for step, value in trial.intermediate_values.items():
        if step not in before.intermediate_values:
            storage.set_trial_intermediate_value(key, step, value)
    for name, attribute in trial.user_attrs.items():
        if before.user_attrs.get(name) != attribute:
            storage.set_trial_user_attr(key, name, attribute)
    if trial.state.is_finished():
        storage.set_trial_state_values(key, trial.state, trial.values)


def _trial(contents: Contents, space: SearchSpace, row: TrialRow, epochs: Sequence[EpochRow]) -> FrozenTrial:
    """A trial with everything that Optuna has a place for; the rest are attributes."""
    settings: Params = {**contents.study.spec.fixed, **row.params}
    params, distributions = _parameters(space, settings)
    keys = {trainer_key(name) for name in params} | ({"model", "imgsz"} if POINT in params else set())
    elsewhere = {key: value for key, value in row.params.items() if key not in keys}
    scores = {epoch.epoch: epoch.map50_95 for epoch in epochs}
    value = _value(row, scores)
    state = _STATES[row.state]
    if state is TrialState.COMPLETE and value is None:
        state = TrialState.FAIL
    known = {key: settings[key] for key in ("model", "imgsz") if key in settings}
    rest = {"other_arguments": elsewhere} if elsewhere else {}
    trial = create_trial(
        state=state,
        value=value if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=params,
        distributions=distributions,
        intermediate_values=scores,
        user_attrs={**facts(row), **known, **outcome(row), **rest},
    )
    begin_s = row.started_at if row.started_at is not None else contents.study.created_at
    trial.datetime_start = datetime.fromtimestamp(begin_s)
    ended = row.ended_at if row.ended_at is not None else begin_s
    trial.datetime_complete = datetime.fromtimestamp(ended) if state.is_finished() else None
    return trial


def _value(row: TrialRow, scores: Mapping[int, float]) -> float | None:
    """Value of a trial: its score, of a production training that of its best epoch, else that of its last epoch."""
    if row.purpose is Purpose.PRODUCTION:
        return row.best_map50_95
    if row.state is State.COMPLETED:
        return row.score
    finite = [score for _, score in sorted(scores.items()) if score == score]
    return finite[-1] if finite else None


def _parameters(
    space: SearchSpace, settings: Params
) -> tuple[dict[str, CategoricalChoiceType], dict[str, BaseDistribution]]:
    """Values of the active dimensions with their distributions.

    A recipe of another source may lie outside a range: the distribution of that trial is as much wider. What no
    distribution can hold is left out.
    """
    source = dict(settings)
    if "model" in source and "imgsz" in source:
        source[POINT] = f"{source['model']}@{source['imgsz']}"
    params: dict[str, CategoricalChoiceType] = {}
    distributions: dict[str, BaseDistribution] = {}
    for parameter, value in _active(space, source):
        distribution = _distribution(parameter, value)
        if distribution is not None:
            params[parameter.name], distributions[parameter.name] = value, distribution
    return params, distributions


def _active(space: SearchSpace, source: Params) -> Iterator[tuple[Parameter, Any]]:
    """Dimensions whose conditions the arguments meet, each with its value."""
    values: dict[str, Any] = {}
    for parameter in space.parameters:
        key = trainer_key(parameter.name)
        if key in source and parameter.active(values):
            values[parameter.name] = source[key]
            yield parameter, source[key]


def _distribution(parameter: Parameter, value: object) -> BaseDistribution | None:
    """Distribution that holds the value; None where there is none."""
    if parameter.kind == "choice":
        return CategoricalDistribution(parameter.choices) if value in parameter.choices else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    low, high = min(parameter.low, value), max(parameter.high, value)
    if parameter.kind == "int":
        return IntDistribution(int(low), int(high)) if value == int(value) else None
    log = parameter.kind == "log"
    return None if log and low <= 0 else FloatDistribution(low, high, log=log)
