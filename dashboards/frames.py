"""Rows to DataFrames: pure. Scores are fractions in [0, 1]; costs of charts are in a given unit."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from automl.figures import CostUnit, harmless, score
from automl.records import EpochRow, Params, ParamValue, Purpose, StudyRow, TrialRow, TrialState
from automl.reports.overview import Overview
from automl.reports.watch import Rise, StudyProgress
from automl.scores.leaderboard import Verdict, changed, gain_shown
from automl.scores.words import observed_text, origin_text
from automl.space import Parameter
from dashboards.words import clock, cost, moment, state_of, sureness

LONGEST = 80  # characters of a value in a table
EPOCH_COLUMNS = ("trial", "epoch", "map50_95", "map50", "precision", "recall", "train_s", "val_s", "slot_s")


def studies_frame(studies: Sequence[StudyProgress]) -> pd.DataFrame:
    """A line a study: its answer, the certainty, the best so far, its cost.

    winner  observed mAP50-95 of the recipe that is handed over, the mean over its seeds
    gain    of the best recipe found above the defaults, as the answer estimates it
    epochs  at which both were trained
    budget  percent spent; above 100 where a last epoch went over it
    """
    rows = [progress.study for progress in studies]
    notes = {"note": [shortened(" ".join(row.note.split()), LONGEST) for row in rows]}
    answers = [progress.answer for progress in studies]
    gains = [None if answer is None or answer.gain is None else answer.gain.mean for answer in answers]
    epochs = [None if answer is None else answer.epochs for answer in answers]
    return pd.DataFrame(
        {
            "study": [row.name for row in rows],
            "state": [state_of(progress.study, progress.alive) for progress in studies],
            "winner": [None if answer is None else answer.handed_over.mean for answer in answers],
            "gain": pd.Series(gains, dtype="float64"),
            "how sure": [sureness(progress) for progress in studies],
            "defaults": [None if answer is None else answer.defaults.mean for answer in answers],
            "epochs": pd.Series(epochs, dtype="Int64"),
            "best so far": [thinned([rise.score for rise in progress.rises]) for progress in studies],
            "budget": [100.0 * progress.share_spent for progress in studies],
            "cost": [cost(row.slot_s, row) for row in rows],
            "trials": [len(progress.points) for progress in studies],
            "began": [moment(row.created_at) for row in rows],
            "data": [shortened("/".join(row.spec.data.rsplit("/", 2)[-2:]), 40) for row in rows],
            **(notes if any(notes["note"]) else {}),
        }
    )


def shortened(text: str, most: int = LONGEST) -> str:
    """A long text without its middle."""
    keep = (most - 1) // 2
    return text if len(text) <= most else f"{text[:keep]}…{text[-keep:]}"


def thinned(values: list[float], most: int = 40) -> list[float]:
    """Every nth of the values, `most` at most, always with the last one."""
    step = max(1, math.ceil(len(values) / most))
    return values[::-1][::step][::-1]


def best_frame(rises: Sequence[Rise], spent_s: float, unit: CostUnit) -> pd.DataFrame:
    """Cost (in the unit), best mAP50-95 so far and its trial: a row for each rise, and one for the end.

    spent_s  slot-seconds of the whole study, repeats included
    """
    steps = list(rises)
    if steps and steps[-1].spent_s < spent_s:
        steps.append(steps[-1]._replace(spent_s=spent_s))
    kinks = [
        step
        for before, step in zip([None, *steps], steps, strict=False)
        if before is None or step.trial != before.trial or step is steps[-1]
    ]
    return pd.DataFrame(
        {
            "spent": [step.spent_s / unit.slot_s for step in kinks],
            "map50_95": [step.score for step in kinks],
            "trial": [step.trial for step in kinks],
        }
    )


def leaderboard_frame(
    rows: Sequence[TrialRow], baseline: TrialRow | None, verdict: Verdict | None, study: StudyRow
) -> pd.DataFrame:
    """A line a trial in the order of the rows: score, gain, epochs, state, cost, changed parameters."""
    estimates = [verdict.of(row.number) if verdict is not None else None for row in rows]
    return pd.DataFrame(
        {
            "trial": [row.number for row in rows],
            "mAP50-95": [row.score for row in rows],
            "gain": pd.Series([gain_shown(row, baseline) for row in rows], dtype="float64"),
            "state": [row.state.value for row in rows],
            "epochs": [f"{row.done_epochs}/{row.epochs}" for row in rows],
            "over seeds": ["" if one is None or not one.new_seeds else observed_text(one) for one in estimates],
            "at best epoch": [row.best_map50_95 for row in rows],
            "mAP50": [row.best_map50 for row in rows],
            "cost": [cost(row.slot_s, study) for row in rows],
            "recipe": [shortened(origin_text(row.origin, row.repeats)) for row in rows],
            "changed": [shortened(assigned(changed(row, baseline))) for row in rows],
        }
    )


def assigned(params: Params) -> str:
    """'lr0=0.01, mosaic=0.5'."""
    return ", ".join(f"{key}={value_text(value)}" for key, value in params.items())


def value_text(value: object) -> str:
    """Value of a parameter as text: four significant digits, no line breaks."""
    return f"{value:.4g}" if isinstance(value, float) else shortened(" ".join(str(value).split()))


def differing_frame(rows: Sequence[TrialRow]) -> pd.DataFrame:
    """Parameters in which the trials differ: a line a parameter, a column a trial."""
    keys = sorted({key for row in rows for key in row.params})
    everything = [{**(row.applied or {}), **row.params} for row in rows]
    lines = {key: [value_text(values.get(key, "–")) for values in everything] for key in keys}
    differing = {key: values for key, values in lines.items() if len(set(values)) > 1}
    return pd.DataFrame.from_dict(
        differing, orient="index", columns=[f"trial {row.number}" for row in rows]
    ).rename_axis("parameter")


def params_frame(row: TrialRow, baseline: TrialRow | None) -> pd.DataFrame:
    """All arguments of a trial; those that differ from the defaults come first."""
    before: Params = baseline.params if baseline is not None else {}
    different = changed(row, baseline) if row.number else {}
    everything: Mapping[str, ParamValue] = {**(row.applied or {}), **row.params}
    keys = [*sorted(different), *sorted(key for key in everything if key not in different)]
    return pd.DataFrame(
        {
            "parameter": keys,
            "value": [value_text(everything[key]) for key in keys],
            "defaults": [value_text(before.get(key, "–")) if key in row.params else "" for key in keys],
            "changed": ["yes" if key in different else "" for key in keys],
        }
    )


def curves_frame(epochs: Iterable[EpochRow]) -> pd.DataFrame:
    """Trial, epoch, mAP50-95, mAP50, precision and recall of each epoch; NaN where unknown."""
    rows = list(epochs)
    return pd.DataFrame(
        {
            "trial": [str(row.trial) for row in rows],
            "epoch": [row.epoch for row in rows],
            "map50_95": [row.map50_95 for row in rows],
            "map50": [row.map50 for row in rows],
            "precision": [row.precision for row in rows],
            "recall": [row.recall for row in rows],
        }
    )


def production_frame(
    epochs: Iterable[EpochRow], recipes: Mapping[int, str], searched: Collection[int] = ()
) -> pd.DataFrame:
    """Curves of production trainings with the recipe that each trains.

    recipes   'the defaults' or 'trial 3', by number of the training
    searched  trainings of the search among them
    """
    frame = curves_frame(epochs)
    trials = [int(trial) for trial in frame["trial"]]
    lengths = ["search" if trial in searched else "production" for trial in trials]
    return frame.assign(recipe=[recipes[trial] for trial in trials], training=lengths)


def losses_frame(epochs: Iterable[EpochRow]) -> pd.DataFrame:
    """Epoch, loss ('box_loss'), split ('train' or 'val') and value."""
    losses = [(row.epoch, *_split_of(name), value) for row in epochs for name, value in row.losses.items()]
    return pd.DataFrame(losses, columns=["epoch", "split", "loss", "value"])


def _split_of(name: str) -> tuple[str, str]:
    split, _, loss = name.partition("/")
    return (split, loss) if loss else ("train", split)


def running_frame(rows: Sequence[TrialRow], now: float) -> pd.DataFrame:
    """Running trials: epoch, score, expected end and place."""
    return pd.DataFrame(
        {
            "trial": [row.number for row in rows],
            "epoch": [f"{row.done_epochs}/{row.epochs}" for row in rows],
            "mAP50-95": [score(row.last_map50_95) for row in rows],
            "expected end": [_expected(row, now) for row in rows],
            "where": [" ".join(filter(None, (row.node, row.device))) or "–" for row in rows],
            "recipe": [shortened(origin_text(row.origin, row.repeats), 30) for row in rows],
        }
    )


def _expected(row: TrialRow, now: float) -> str:
    if not row.done_epochs:
        return "–"
    return clock(now + row.slot_s / row.done_epochs * (row.epochs - row.done_epochs), now)


def intervals_frame(verdict: Verdict) -> pd.DataFrame:
    """Trial, its name ('defaults', 'trial 3'), expected mAP50-95 over seeds, 90 % interval and number of seeds."""
    estimates = verdict.estimates
    return pd.DataFrame(
        {
            "trial": [estimate.trial for estimate in estimates],
            "what": [f"trial {estimate.trial}" if estimate.trial else "defaults" for estimate in estimates],
            "mean": [estimate.score.mean for estimate in estimates],
            "low": [estimate.score.low for estimate in estimates],
            "high": [estimate.score.high for estimate in estimates],
            "seeds": [estimate.seeds for estimate in estimates],
        }
    )


def spending_frame(overview: Overview, unit: CostUnit) -> pd.DataFrame:
    """Purpose, 'spent' or 'planned', and cost in the unit; without purposes of no cost."""
    both = {"spent": overview.spent_s, "planned": overview.planned_s}
    purposes = [purpose.value for purpose in Purpose if any(costs.get(purpose.value) for costs in both.values())]
    rows = [
        (purpose, kind, costs.get(purpose, 0.0) / unit.slot_s)
        for purpose in purposes
        for kind, costs in both.items()
        if costs
    ]
    return pd.DataFrame(rows, columns=["purpose", "kind", "cost"])


def slice_frame(rows: Iterable[TrialRow], key: str) -> pd.DataFrame:
    """Value of one parameter and score of each trial that has both."""
    trials = [row for row in rows if key in row.params and row.score is not None]
    values = [row.params[key] for row in trials]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    whole = [row.state is TrialState.COMPLETED for row in trials]
    return pd.DataFrame(
        {
            "trial": [row.number for row in trials],
            "value": values if numeric else [value_text(value) for value in values],
            "map50_95": [row.score for row in trials],
            "ran": ["to the end" if ended else "stopped early" for ended in whole],
        }
    )


def parallel_frame(rows: Iterable[TrialRow], parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Trial, parameter, axis from the left, place in the searched range (0 low, 1 high), value, score."""
    places = []
    for row in rows:
        for axis, parameter in enumerate(parameters):
            value = row.params.get(parameter.name)
            if row.score is None or value is None:
                continue
            place = _place(parameter, value)
            places.append((row.number, parameter.name, axis, place, value_text(value), row.score))
    return pd.DataFrame(places, columns=["trial", "parameter", "axis", "place", "value", "map50_95"])


def _place(parameter: Parameter, value: ParamValue) -> float:
    if parameter.kind == "choice":
        known = parameter.choices.index(value) if value in parameter.choices else 0
        return known / max(1, len(parameter.choices) - 1)
    if not isinstance(value, int | float) or (parameter.kind == "log" and value <= 0):
        return 0.0
    return min(1.0, max(0.0, parameter.unit(value)))


def pareto_frame(rows: Iterable[TrialRow], plan: Mapping[str, object]) -> pd.DataFrame:
    """Operating point, its best trial and score, latency (ms), parameters (millions), GFLOPs."""
    points = plan.get("points", ())
    known = {str(p["name"]): p for p in points if isinstance(p, Mapping)} if isinstance(points, list | tuple) else {}
    best: dict[str, TrialRow] = {}
    for row in rows:
        name = f"{row.params.get('model')}@{row.params.get('imgsz')}"
        if row.score is not None and (name not in best or row.score > (best[name].score or 0)):
            best[name] = row
    lines = [
        (
            name.rsplit("/", 1)[-1],
            row.number,
            row.score,
            1000 * float(known[name].get("latency_s", 0.0)),
            float(known[name].get("parameters", 0)) / 1e6,
            float(known[name].get("gflops", 0.0)),
        )
        for name, row in best.items()
        if name in known
    ]
    return pd.DataFrame(lines, columns=["point", "trial", "map50_95", "latency_ms", "parameters_m", "gflops"])


def trials_csv(rows: Iterable[TrialRow]) -> bytes:
    """Every trial with its parameters as columns, for a spreadsheet."""
    lines = [
        {
            "trial": row.number,
            "state": row.state.value,
            "purpose": row.purpose.value,
            "origin": harmless(row.origin),
            "repeats": row.repeats,
            "seed": row.seed,
            "score": row.score,
            "best_map50_95": row.best_map50_95,
            "best_map50": row.best_map50,
            "best_epoch": row.best_epoch,
            "done_epochs": row.done_epochs,
            "epochs": row.epochs,
            "slot_s": row.slot_s,
            "reason": harmless(row.reason),
            **{f"params/{key}": harmless(value) for key, value in row.params.items()},
        }
        for row in rows
    ]
    return pd.DataFrame(lines).to_csv(index=False).encode()


def epochs_csv(epochs: Iterable[EpochRow]) -> bytes:
    """Every epoch as a line, with the losses of the first one as columns."""
    file = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in epochs:
        line = {key: getattr(row, key) for key in EPOCH_COLUMNS}
        if writer is None:
            writer = csv.DictWriter(file, [*EPOCH_COLUMNS, *row.losses], extrasaction="ignore")
            writer.writeheader()
        writer.writerow({**line, **row.losses})
    return file.getvalue().encode()
