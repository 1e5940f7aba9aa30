"""Arguments that a training really runs with, compared with those that were proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automl.errors import AppliedMismatch
from automl.records import Params, ParamValue
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.training import Training

_REPORTED = ("epochs", "seed", "amp", "deterministic", "single_cls", "fraction", "max_det", "iou")
_SET_BY_AUTO = ("optimizer", "lr0", "momentum", "warmup_bias_lr")


def applied(training: Training, model: str) -> dict[str, ParamValue]:
    """Every tunable argument and a few more, as the built optimizer, loaders and network have them.

    model  the network's name as proposed; `check_applied` compares its description
    """
    arguments = vars(training.args)
    values = {key: arguments[key] for key in (*schema.tunable_keys(), *_REPORTED) if key in arguments}
    first = training.optimizer.param_groups[0]
    warm = training._get_warmup_iterations(len(training.train_loader)) > 0
    if "momentum" in first and warm:
        momentum = training.args.momentum  # the warm-up ends there, whatever the optimizer was built with
    else:
        momentum = first["momentum"] if "momentum" in first else first["betas"][0]
    return values | {
        "model": model,
        "batch": training.batch_size,
        "optimizer": type(training.optimizer).__name__,
        "lr0": min(group["initial_lr"] for group in training.optimizer.param_groups),
        "momentum": momentum,
    }


@dataclass(frozen=True)
class _Pair:
    """One argument as expected and as it is in the training that was built."""

    key: str
    expected: Any
    actual: Any


def check_applied(training: Training, proposed: Params) -> None:
    """Compare a training that was built with the proposed arguments.

    Raises AppliedMismatch with the first argument that differs, its proposed and its actual value.
    """
    auto = str(proposed.get("optimizer", "auto")).lower() == "auto"  # which is Ultralytics' default
    skipped = {"model", *(_SET_BY_AUTO if auto else ())}
    comparable = {key: value for key, value in proposed.items() if key not in skipped}
    if comparable.get("batch") == -1:
        del comparable["batch"]
    for pair in [*_arguments(training, comparable), *_optimizer(training, auto), *_network(training)]:
        if not _same(pair.expected, pair.actual):
            raise AppliedMismatch(
                f"{pair.key}: {pair.expected!r} was proposed but the trainer runs with {pair.actual!r}. "
                f"Take {pair.key} out of the search space, or propose only values that the trainer keeps."
            )


def _arguments(training: Training, proposed: Params) -> Iterator[_Pair]:
    arguments = {**vars(training.args), "batch": training.batch_size}
    for key, value in proposed.items():
        if key == "optimizer":
            yield _Pair(key, str(value).lower(), type(training.optimizer).__name__.lower())
        else:
            yield _Pair(key, value, arguments.get(key))


def _optimizer(training: Training, auto: bool) -> Iterator[_Pair]:
    """The optimizer's groups against the arguments, by Ultralytics' own rules."""
    args = training.args
    accumulate = max(round(args.nbs / training.batch_size), 1)
    decay = args.weight_decay * training.batch_size * accumulate / args.nbs
    for group in training.optimizer.param_groups:
        raised = type(training.optimizer).__name__ == "MuSGD" and group["initial_lr"] != args.lr0
        yield _Pair("lr0", args.lr0 * (3 if raised else 1), group["initial_lr"])
        if not auto and training.start_epoch == 0:
            yield _Pair("momentum", args.momentum, group["momentum"] if "momentum" in group else group["betas"][0])
        decays = group.get("param_group") in ("weight", "muon")
        yield _Pair("weight_decay", decay if decays else 0.0, group["weight_decay"])
    loader = training.train_loader
    yield _Pair("batch", min(training.batch_size, len(loader.dataset)), loader.batch_size)


def _network(training: Training) -> Iterator[_Pair]:
    proposed: Mapping[str, Any] = training.setup.network
    built = training.model.yaml
    yield _Pair("model", (proposed["yaml_file"], proposed["scale"]), (built["yaml_file"], built["scale"]))
    yield _Pair("nc", training.data["nc"], training.model.model[-1].nc)


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return bool(expected) == bool(actual)
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return abs(expected - actual) <= 1e-9 * max(abs(expected), abs(actual))
    return bool(expected == actual) or str(expected) == str(actual)
