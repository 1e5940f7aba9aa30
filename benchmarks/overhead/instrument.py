"""Instrument of the overhead benchmark: time that each training spends on training and on validation.

A copy of this file, named sitecustomize.py, is on PYTHONPATH of all measured processes, so that each loads it: our
Ray workers, those of `model.tune(use_ray=True)`, and the commands of the genetic tuner. It wraps Ultralytics' trainer
on import, at events that all three share, and appends a line for each finished span. To cost nothing, it imports only
modules that Python has already loaded.

A span of training lasts from the event on_train_epoch_start to on_train_epoch_end, a span of validation as long as
the trainer's `validate`. The final evaluation, which scores the best epoch a second time, is a third kind.

wall_s      wall seconds
cpu_s       CPU seconds of the thread that trains: with one thread a trial all of the work, without plots and Ray
process_s   CPU seconds of all threads of the process
at          of a validation: its end in POSIX seconds
map50_95    of a validation: its score
"""

from __future__ import annotations

import os
import sys
import time
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # type checkers know this name; typing itself is slow to load
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any

    Clocks = tuple[float, float, float]

FILE = "AUTOML_MARKS"  # variable: the file of the lines
THREADS = "AUTOML_MARKS_THREADS"  # variable: count of threads that Ultralytics uses, for machines with more cores


class _Finder:
    """Import finder that wraps two modules of Ultralytics right after they are loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        wrap = _WRAPPED.get(name)
        spec = PathFinder.find_spec(name, path) if wrap is not None else None
        if spec is None or spec.loader is None or wrap is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            wrap(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _wrap_threads(module: Any) -> None:
    if THREADS in os.environ:
        module.NUM_THREADS = int(os.environ[THREADS])


def _wrap_trainer(module: Any) -> None:
    trainer = module.BaseTrainer
    train, final_eval = trainer._do_train, trainer.final_eval

    def _do_train(self: Any, *args: Any, **kwargs: Any) -> Any:
        _watch(type(self))
        self._automl_run = f"{os.getpid()}-{time.monotonic_ns()}"
        return train(self, *args, **kwargs)

    def _final_eval(self: Any, *args: Any, **kwargs: Any) -> Any:
        began = _clocks()
        answer = final_eval(self, *args, **kwargs)
        _write(self, "final", began)
        return answer

    trainer._do_train, trainer.final_eval = _do_train, _final_eval


def _watch(kind: Any) -> None:
    """Wrap events and validation of a trainer's class once. Wrapping an object would make it refer to itself."""
    if "_automl_began" in vars(kind):
        return
    kind._automl_began = None
    kind._automl_trained = False
    inner_callbacks: Callable[..., Any] = getattr(kind.run_callbacks, "_automl_inner", kind.run_callbacks)
    validate: Callable[..., Any] = getattr(kind.validate, "_automl_inner", kind.validate)

    def run_callbacks(self: Any, event: str) -> Any:
        if event == "on_train_epoch_end" and self._automl_began is not None:
            _write(self, "train", self._automl_began)
            self._automl_began, self._automl_trained = None, True
        answer = inner_callbacks(self, event)
        if event == "on_train_epoch_start":
            self._automl_began = _clocks()
        return answer

    def _validate(self: Any, *args: Any, **kwargs: Any) -> Any:
        began, trained = _clocks(), self._automl_trained
        self._automl_trained = False  # only the outermost validation after each epoch counts
        answer = validate(self, *args, **kwargs)
        if trained:
            scores = answer[0] if isinstance(answer, tuple) and answer[0] else {}
            _write(self, "val", began, at=time.time(), map50_95=float(scores.get("metrics/mAP50-95(B)", "nan")))
        return answer

    run_callbacks._automl_inner, _validate._automl_inner = inner_callbacks, validate  # type: ignore[attr-defined]
    kind.run_callbacks, kind.validate = run_callbacks, _validate


def _clocks() -> Clocks:
    return time.monotonic(), time.thread_time(), time.process_time()


def _write(trainer: Any, kind: str, began: Clocks, **more: float) -> None:
    clocks = [now - then for now, then in zip(_clocks(), began, strict=True)]
    span = {"run": trainer._automl_run, "by": type(trainer).__name__, "kind": kind, "epoch": trainer.epoch + 1}
    span |= dict(zip(("wall_s", "cpu_s", "process_s"), (round(seconds, 6) for seconds in clocks), strict=True))
    span |= more
    import json

    handle = os.open(os.environ[FILE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, (json.dumps(span) + "\n").encode())
    finally:
        os.close(handle)


def install() -> None:
    """Wrap Ultralytics as soon as this process imports it."""
    if FILE in os.environ:
        sys.meta_path.insert(0, _Finder())


def _load_hidden() -> None:
    """Run the sitecustomize that this file hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load
    rest = [path for path in sys.path if os.path.abspath(path) != here]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = type(sys)("sitecustomize")
        module.__spec__, module.__file__ = spec, spec.origin
        spec.loader.exec_module(module)


_WRAPPED: dict[str, Callable[[Any], None]] = {
    "ultralytics.utils": _wrap_threads,
    "ultralytics.engine.trainer": _wrap_trainer,
}

if __name__ == "sitecustomize":
    install()
    _load_hidden()
