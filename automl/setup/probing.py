"""Measures every operating point of a search, or takes what an earlier search measured from the store."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.costs import points
from automl.costs.points import Probe
from automl.errors import OutOfMemory
from automl.figures import ago
from automl.files import disk, folders
from automl.records import Listener, Notice, Prepared, Slots, StudySpec, TrainJob
from automl.setup import request
from automl.setup.batch import largest_batch
from automl.setup.compiling import compile_spec
from automl.space import POINT
from automl.store.probes import keep_probe, kept_probe
from automl.trainers.ultralytics import schema

if TYPE_CHECKING:
    from sqlalchemy import Engine

CPU_BATCH = 16
KEPT_S = 30 * 86400.0  # a price that is older is measured again: drivers and what else a machine does change
_PROBED_EPOCHS = 100  # horizon of a probe where the user names none
Prepare = Callable[[str, TrainJob, int, int, Slots], Prepared]  # trainer, job, horizon, seed, slots


def _in_a_worker(trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
    from automl.drivers import ray_tune

    return ray_tune.prepare(trainer, job, epochs, seed, slots)


@dataclass(frozen=True)
class Probing:
    """Where probes run and are kept."""

    engine: Engine
    checked: request.Checked
    directory: Path
    ready: Callable[[], None]  # called before something is measured: opens the cluster
    fresh: bool = False  # measure anew what the store knows
    listener: Listener = lambda notice: None
    prepare: Prepare = _in_a_worker
    now: Callable[[], float] = time.time  # POSIX seconds

    def spec(self, name: str) -> StudySpec:
        """The spec of the study, compiled from a probe of each point in its space.

        Raises AutoMLError where no point can be trained, BudgetTooSmall where the baseline cannot be paid.
        """
        probes = self.probes()
        baseline = points.first_admitted(probes, self.checked.limits, self.checked.slots)
        prepared = baseline.prepared
        assert prepared is not None, "an admitted point was measured"
        disk.check_disk(self.directory, prepared.parameters, self.checked.slots)
        checked = replace(self.checked, fixed=self._fixed(baseline.point))
        spec = compile_spec(checked, name, self.directory, prepared, sum(probe.cost_s for probe in probes), probes)
        self.listener(Notice(kind="probed", at=0.0, values=_words(prepared, spec)))
        self.listener(Notice(kind="plan", at=0.0, values={"plan": spec.plan}))
        return spec

    def probes(self) -> tuple[Probe, ...]:
        """A probe of each point, the baseline's first. Raises OutOfMemory when none fits."""
        names = points_of(self.checked)
        keys = {name: self._key(name) for name in names}
        kept = {name: self._kept(name, keys[name]) for name in names} if not self.fresh else {}
        old = {name: probe for name, probe in kept.items() if probe is not None}
        known = {name: probe for name, probe in old.items() if (probe.age_s or 0.0) <= KEPT_S}
        unknown = [name for name in names if name not in known]
        if unknown:
            told = ", ".join(points.shown(name) + _last(old.get(name)) for name in unknown)
            self._say(f"Probing: a few real steps of the defaults at {told} ...")
            self.ready()
        found = [known.get(name) or self._measured(name, keys[name]) for name in names]
        if all(probe.prepared is None for probe in found):
            raise OutOfMemory(f"no point of the space can be trained here: {found[0].problem}")
        return tuple(found)

    def _kept(self, name: str, key: str) -> Probe | None:
        kept = kept_probe(self.engine, key)
        if kept is None:
            return None
        return Probe(point=name, prepared=kept.prepared, measured_at=kept.at, age_s=max(0.0, self.now() - kept.at))

    def _measured(self, name: str, key: str) -> Probe:
        began = time.monotonic()
        try:
            prepared = self._resolve(name)
        except OutOfMemory as error:
            return Probe(point=name, prepared=None, cost_s=time.monotonic() - began, problem=str(error).rstrip("."))
        at = self.now()
        keep_probe(self.engine, key, prepared, at=at)
        return Probe(point=name, prepared=prepared, cost_s=time.monotonic() - began, measured_at=at)

    def _resolve(self, name: str) -> Prepared:
        """The measurement with the batch that the point will be trained with."""
        batch = _batch_setting(self.checked)

        def measure(size: int | None) -> Prepared:
            return self._prepare(name, size)

        if batch is not None or self.checked.request.trainer != "ultralytics":
            return measure(None)
        if self.checked.slots.device == "cpu":
            return measure(CPU_BATCH)
        nominal = self.checked.fixed.get("nbs", schema.defaults().get("nbs", 64))
        prepared, note = largest_batch(measure, int(nominal) if isinstance(nominal, int | float) else 64)
        self._say(f"{points.shown(name)}: {note}")
        return prepared

    def _prepare(self, name: str, batch: int | None) -> Prepared:
        checked = self.checked
        fixed = self._fixed(name) | ({"batch": batch} if batch is not None else {})
        job = TrainJob(
            data=str(folders.data(self.directory)),
            weights=str(checked.weights) if checked.weights is not None else None,
            fixed=fixed,
            directory=str(folders.probe(self.directory)),
            cache=str(folders.cache(self.directory)),
            device="0" if checked.slots.device == "gpu" else "cpu",
            threads=checked.slots.threads,
        )
        asked = checked.request
        return self.prepare(asked.trainer, job, asked.epochs or _PROBED_EPOCHS, asked.seed, checked.slots)

    def _fixed(self, name: str) -> dict[str, Any]:
        model, _, imgsz = name.rpartition("@")
        return {**self.checked.fixed, **({"model": model, "imgsz": int(imgsz)} if model else {})}

    def _key(self, name: str) -> str:
        """A digest of everything on which the measurement depends."""
        checked = self.checked
        fixed = self._fixed(name)
        model = str(fixed.get("model", ""))
        described = {
            "data": checked.data_fingerprint,
            "holdout": checked.request.holdout,  # the smaller val is validated faster
            "trainer": checked.request.trainer,
            "network": _content(model) if checked.request.trainer == "ultralytics" else "",
            "weights": checked.weights_sha256,
            "fixed": {key: value for key, value in fixed.items() if key != "batch"},
            "batch": _batch_setting(checked) or "auto",
            "device": _device(checked.slots),
            "threads": checked.slots.threads,
            "versions": _versions(),
        }
        return hashlib.sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()

    def _say(self, text: str) -> None:
        self.listener(Notice(kind="note", at=0.0, values={"text": text}))


def points_of(checked: request.Checked) -> tuple[str, ...]:
    """The points of the space as 'model@imgsz', the baseline's first; one without a name where there is no choice."""
    joint = next((p for p in checked.space.parameters if p.name == POINT), None)
    if joint is not None:
        return tuple(str(choice) for choice in joint.choices)
    if checked.request.trainer != "ultralytics":
        return (checked.request.trainer,)
    return (f"{checked.fixed['model']}@{checked.fixed['imgsz']}",)


def _last(probe: Probe | None) -> str:
    """When a point was measured of which the price is too old."""
    return "" if probe is None or probe.age_s is None else f" (last measured {ago(probe.age_s)})"


def _batch_setting(checked: request.Checked) -> object:
    """The batch that the user named; None where it is ours to choose."""
    batch = checked.fixed.get("batch")
    return None if batch == -1 else batch


def _content(model: str) -> str:
    """Digest of the network's description, with the letter that scales it."""
    file = Path(schema.model_yaml(model))
    return f"{Path(model).stem}:{hashlib.sha256(file.read_bytes()).hexdigest()}" if file.is_file() else model


def _device(slots: Slots) -> str:
    """Kind and name of the device that a slot has."""
    if os.environ.get("RAY_ADDRESS"):
        return f"{slots.device} of {os.environ['RAY_ADDRESS']}"
    if slots.device == "cpu":
        return f"cpu {_processor()} of {os.cpu_count()}"
    tool = shutil.which("nvidia-smi")
    index = slots.devices[0] if slots.devices else "0"
    if tool is None:
        return f"gpu {index}"
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader", "-i", index]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        told = ""
    return f"gpu {told or index}"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found is not None else platform.processor() or platform.machine()


def _versions() -> Mapping[str, str]:
    """Versions of what a measurement depends on, without loading any of it."""
    found = {"python": sys.version.split()[0]}
    for name in ("yolo-automl", "torch", "torchvision", "ultralytics"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _words(prepared: Prepared, spec: StudySpec) -> Mapping[str, Any]:
    return {
        "fitted": prepared.fitted,
        "tensors": prepared.tensors,
        "parameters": prepared.parameters,
        "train_images": prepared.train_images,
        "val_images": prepared.val_images,
        "epoch_s": prepared.epoch_s,
        "epochs": spec.epochs,
        "rungs": spec.rungs,
        "spec": spec,
    }
