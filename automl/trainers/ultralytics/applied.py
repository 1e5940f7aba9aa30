"""Reads back what a training really runs with and compares it with what was proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from automl.errors import AppliedMismatch
from automl.records import Params, ParamValue
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.training import Training

_REPORTED = ("epochs", "seed", "amp", "deterministic", "single_cls", "fraction", "max_det", "iou")
_SET_BY_AUTO = ("optimizer", "lr0", "momentum", "warmup_bias_lr")


def applied(training: Training, model: str) -> dict[str, ParamValue]:
    """Every tunable argument and a few more, as the built optimizer, loaders and network have them.

    model  the network's name as proposed; the description that was read is checked elsewhere
    """
    arguments = vars(training.args)
    values = {key: arguments[key] for key in (*schema.tunable_keys(), *_REPORTED) if key in arguments}
    group = training.optimizer.param_groups[0]
    warm = training._get_warmup_iterations(len(training.train_loader)) > 0
    if "momentum" in group and warm:
        momentum = training.args.momentum  # the warm-up ends there, whatever the optimizer was built with
    else:
        momentum = group["momentum"] if "momentum" in group else group["betas"][0]
    return values | {
        "model": model,
        "batch": training.batch_size,
        "optimizer": type(training.optimizer).__name__,
        "lr0": min(each["initial_lr"] for each in training.optimizer.param_groups),
        "momentum": momentum,
    }


def check_applied(training: Training, proposed: Params) -> None:
    """Raises AppliedMismatch naming the first argument that differs, what was proposed and what runs."""
    auto = str(proposed.get("optimizer", "auto")).lower() == "auto"  # which is Ultralytics' default
    skipped = {"model", *(_SET_BY_AUTO if auto else ())}
    wanted = {key: value for key, value in proposed.items() if key not in skipped}
    if wanted.get("batch") == -1:
        del wanted["batch"]
    pairs = [*_arguments(training, wanted), *_optimizer(training, auto), *_network(training)]
    for key, expected, found in pairs:
        if not _same(expected, found):
            raise AppliedMismatch(
                f"{key}: {expected!r} was proposed but the trainer runs with {found!r}. "
                f"Take {key} out of the search space, or propose only values that the trainer keeps."
            )


def _arguments(training: Training, wanted: Params) -> Iterator[tuple[str, Any, Any]]:
    arguments = {**vars(training.args), "batch": training.batch_size}
    for key, value in wanted.items():
        if key == "optimizer":
            yield key, str(value).lower(), type(training.optimizer).__name__.lower()
        else:
            yield key, value, arguments.get(key)


def _optimizer(training: Training, auto: bool) -> Iterator[tuple[str, Any, Any]]:
    """The optimizer's groups against the arguments, by the library's own rules."""
    args = training.args
    accumulate = max(round(args.nbs / training.batch_size), 1)
    decay = args.weight_decay * training.batch_size * accumulate / args.nbs
    for group in training.optimizer.param_groups:
        raised = type(training.optimizer).__name__ == "MuSGD" and group["initial_lr"] != args.lr0
        yield "lr0", args.lr0 * (3 if raised else 1), group["initial_lr"]
        if not auto and training.start_epoch == 0:
            yield "momentum", args.momentum, group["momentum"] if "momentum" in group else group["betas"][0]
        decays = group.get("param_group") in ("weight", "muon")
        yield "weight_decay", decay if decays else 0.0, group["weight_decay"]
    yield "batch", min(training.batch_size, len(training.train_loader.dataset)), training.train_loader.batch_size


def _network(training: Training) -> Iterator[tuple[str, Any, Any]]:
    asked: Mapping[str, Any] = training.setup.network
    built = training.model.yaml
    yield "model", (asked["yaml_file"], asked["scale"]), (built["yaml_file"], built["scale"])
    yield "nc", training.data["nc"], training.model.model[-1].nc


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return bool(expected) == bool(found)
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) <= 1e-9 * max(abs(expected), abs(found))
    return bool(expected == found) or str(expected) == str(found)
