"""Figures of the overhead benchmark: sums, ratios to the peers, and their table. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

METHODS = ("ours", "use_ray", "ga")
TITLES = {"ours": "automl search", "use_ray": "tune(use_ray=True)", "ga": "tune()"}
PROBE = "_Probe"  # the class of our trainer that only times steps; its training is thrown away
COMPARED = ("paid_share", "paid_share_wall", "epochs_per_cpu_s", "epochs_per_wall_s")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that all methods share."""

    data: str
    weights: str
    model: str = "yolov5n"
    imgsz: int = 160
    epochs: int = 5
    trials: int = 20
    batch: int = 16
    slots: int = 2
    seed: int = 0
    device: str = "cpu"  # or a GPU's index


@dataclass(frozen=True, kw_only=True)
class Paid:
    """Training and validation of one method: sums of the instrument's lines."""

    trials: int  # trainings with at least one finished epoch of training
    epochs: int  # of training
    wall_s: float  # training and validation
    cpu_s: float  # of the threads that trained
    process_s: float  # of their processes during that time
    final_evals: int
    final_eval_cpu_s: float  # no part of cpu_s


@dataclass(frozen=True, kw_only=True)
class MethodCost:
    """Cost of one method, and the part of it that was training and validation."""

    trials: int
    epochs: int
    cpu_s: float  # of the whole tree of processes
    wall_s: float
    slot_s: float  # wall × slots
    paid_cpu_s: float  # training and validation; of the threads that trained
    paid_process_cpu_s: float  # the same spans, all threads of those processes: plots and Ray's threads too
    paid_wall_s: float
    paid_share: float  # paid_cpu_s / cpu_s
    paid_share_wall: float  # paid_wall_s / slot_s
    epochs_per_cpu_s: float
    epochs_per_wall_s: float
    cpu_s_per_epoch: float  # of paid_cpu_s: the epoch alone
    overhead_cpu_s_per_trial: float
    overhead_cpu_s_per_epoch: float
    final_eval_cpu_s: float  # scoring the best epoch again; counted as overhead
    unwaited_cpu_s: float  # part of cpu_s that was sampled
    others_cpu_s: float  # of everything else on the machine
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> MethodCost:
        """The cost in a document that `asdict` and JSON wrote; unknown keys are ignored."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in document.items() if key in known}
        return cls(**{**values, "notes": tuple(values.get("notes", ()))})


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Costs of the measured methods, with the circumstances."""

    methods: Mapping[str, MethodCost]
    settings: Settings
    circumstances: Mapping[str, str]  # date, command, versions, machine

    def ratios(self) -> dict[str, dict[str, float]]:
        """Figures of our search divided by those of each peer; empty without our search."""
        ours = self.methods.get("ours")
        if ours is None:
            return {}
        return {
            name: {key: _ratio(getattr(ours, key), getattr(peer, key)) for key in COMPARED}
            for name, peer in self.methods.items()
            if name != "ours"
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON."""
        return {
            **{name: _rounded(asdict(cost)) for name, cost in self.methods.items()},
            "ratios": {name: _rounded(ratios) for name, ratios in self.ratios().items()},
            "settings": asdict(self.settings),
            "circumstances": dict(self.circumstances),
        }


def add_up(lines: Iterable[str]) -> Paid:
    """Sums of the instrument's lines, ignoring a line that a kill cut off."""
    spans: dict[str, list[Mapping[str, Any]]] = {"train": [], "val": [], "final": []}
    for line in lines:
        try:
            span = json.loads(line)
        except json.JSONDecodeError:
            continue
        if span["by"] != PROBE:
            spans[span["kind"]].append(span)
    paid = spans["train"] + spans["val"]
    return Paid(
        trials=len({span["run"] for span in spans["train"]}),
        epochs=len(spans["train"]),
        wall_s=sum(span["wall_s"] for span in paid),
        cpu_s=sum(span["cpu_s"] for span in paid),
        process_s=sum(span["process_s"] for span in paid),
        final_evals=len(spans["final"]),
        final_eval_cpu_s=sum(span["cpu_s"] for span in spans["final"]),
    )


def cost(
    paid: Paid,
    *,
    cpu_s: float,
    unwaited_s: float,
    others_s: float,
    wall_s: float,
    slots: int,
    notes: Sequence[str] = (),
) -> MethodCost:
    """Figures of one method. `others_s`: CPU seconds of everything else on the machine."""
    slot_s = wall_s * slots
    return MethodCost(
        trials=paid.trials,
        epochs=paid.epochs,
        cpu_s=cpu_s,
        wall_s=wall_s,
        slot_s=slot_s,
        paid_cpu_s=paid.cpu_s,
        paid_process_cpu_s=paid.process_s,
        paid_wall_s=paid.wall_s,
        paid_share=_ratio(paid.cpu_s, cpu_s),
        paid_share_wall=_ratio(paid.wall_s, slot_s),
        epochs_per_cpu_s=_ratio(paid.epochs, cpu_s),
        epochs_per_wall_s=_ratio(paid.epochs, wall_s),
        cpu_s_per_epoch=_ratio(paid.cpu_s, paid.epochs),
        overhead_cpu_s_per_trial=_ratio(cpu_s - paid.cpu_s, paid.trials),
        overhead_cpu_s_per_epoch=_ratio(cpu_s - paid.cpu_s, paid.epochs),
        final_eval_cpu_s=paid.final_eval_cpu_s,
        unwaited_cpu_s=unwaited_s,
        others_cpu_s=max(0.0, others_s),
        notes=tuple(notes),
    )


def table(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Head and rows, with a figure in each row and a method in each column."""
    names = [name for name in METHODS if name in comparison.methods]
    costs = [comparison.methods[name] for name in names]
    ratios = comparison.ratios()
    rows = [[label, *(form.format(getattr(cost, key)) for cost in costs)] for label, key, form in _ROWS]
    for key in COMPARED if ratios else ():
        label = next(label for label, row, _ in _ROWS if row == key)
        rows.append([f"ours ÷ it, {label}", *(f"×{ratios[n][key]:.2f}" if n in ratios else "" for n in names)])
    return ["", *(TITLES[name] for name in names)], rows


def captions(comparison: Comparison) -> list[str]:
    """Lines below the table."""
    lines = [f"{key}: {value}" for key, value in comparison.circumstances.items()]
    return lines + [f"{TITLES[name]}: {note}" for name, cost in comparison.methods.items() for note in cost.notes]


def markdown(comparison: Comparison) -> str:
    """Table and circumstances in Markdown."""
    head, rows = table(comparison)
    lines = [_row(head), _row(["---", *("---:" for _ in head[1:])]), *map(_row, rows), ""]
    return "\n".join(lines + [f"- {line}" for line in captions(comparison)])


_ROWS = (
    ("trials", "trials", "{}"),
    ("epochs trained", "epochs", "{}"),
    ("CPU s", "cpu_s", "{:.1f}"),
    ("training and validation, CPU s", "paid_cpu_s", "{:.1f}"),
    ("paid share of CPU", "paid_share", "{:.1%}"),
    ("wall s", "wall_s", "{:.1f}"),
    ("paid share of slots", "paid_share_wall", "{:.1%}"),
    ("epochs per CPU s", "epochs_per_cpu_s", "{:.4f}"),
    ("epochs per wall s", "epochs_per_wall_s", "{:.4f}"),
    ("CPU s of an epoch itself", "cpu_s_per_epoch", "{:.2f}"),
    ("overhead, CPU s a trial", "overhead_cpu_s_per_trial", "{:.2f}"),
    ("overhead, CPU s an epoch", "overhead_cpu_s_per_epoch", "{:.2f}"),
    ("final evaluations, CPU s", "final_eval_cpu_s", "{:.1f}"),
    ("others' CPU s meanwhile", "others_cpu_s", "{:.1f}"),
)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(value: float, by: float) -> float:
    return value / by if by else 0.0


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in values.items()}
