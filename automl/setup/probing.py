"""Probes: a measurement of every operating point of a search, or the store's of an earlier search."""

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.costs import points
from automl.costs.points import Probe
from automl.drivers import place
from automl.drivers.place import Place
from automl.errors import BadWeights, OutOfMemory
from automl.figures import ago
from automl.files import disk, folders
from automl.records import Listener, Notice, Prepared, Slots, StudySpec, TrainJob, VariantWeights
from automl.setup import request
from automl.setup.batch import largest_batch
from automl.setup.compiling import compile_spec
from automl.setup.trying import Trying
from automl.setup.weights import find_weights
from automl.space import POINT
from automl.store.probes import keep_probe, kept_probe
from automl.trainers.ultralytics import schema

if TYPE_CHECKING:
    from sqlalchemy import Engine

CPU_BATCH = 16
_MOST_BATCH = 1024  # where the batch is a share of the memory, as in Ultralytics
KEPT_S = 30 * 86400.0  # an older price is measured again: drivers and the other work of a machine change
_PROBED_EPOCHS = 100  # horizon of a probe where the user names none
Prepare = Callable[[str, TrainJob, int, int, Slots], Prepared]  # trainer, job, horizon, seed, slots


def _in_a_worker(trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
    from automl.drivers import calls

    return calls.prepare(trainer, job, epochs, seed, slots)


@dataclass(frozen=True)
class Probing:
    """Probing of one request: where its probes run and are stored."""

    engine: Engine
    checked: request.Checked
    directory: Path
    ready: Callable[[], None]  # opens the cluster; called before a measurement
    fresh: bool = False  # ignore the measurements in the store
    listener: Listener = lambda notice: None
    prepare: Prepare = _in_a_worker
    now: Callable[[], float] = time.time  # POSIX seconds
    found: dict[str, VariantWeights | None] = field(default_factory=dict)  # weights of candidates that were probed

    def spec(self, name: str) -> StudySpec:
        """The spec of the study, compiled from a probe of each operating point in its space.

        Raises AutoMLError if no point can be trained, BudgetTooSmall if the baseline cannot be paid.
        """
        probes = self.probes()
        baseline = points.first_admitted(probes, self.checked.limits, self.checked.slots)
        prepared = baseline.prepared
        assert prepared is not None, "an admitted operating point was measured"
        disk.check_disk(self.directory, prepared.parameters, self.checked.slots)
        more = tuple(weights for weights in self.found.values() if weights is not None)
        checked = replace(self.checked, fixed=self._fixed(baseline.point), weights=(*self.checked.weights, *more))
        spec = compile_spec(checked, name, self.directory, prepared, sum(probe.cost_s for probe in probes), probes)
        spec = _without_candidates(spec) if checked.automatic else spec
        self.listener(Notice(kind="probed", at=0.0, values=_figures(prepared, spec)))
        self.listener(Notice(kind="plan", at=0.0, values={"plan": spec.plan}))
        return spec

    def probes(self) -> tuple[Probe, ...]:
        """A probe of each operating point that the user named, the baseline's first, then of the others.

        Of points that nobody named only those that promise most are measured; the rest are estimates.
        Raises OutOfMemory if none fits.
        """
        named = self._measure([name for name in points_of(self.checked) if name not in self.checked.automatic])
        waiting = [name for name in points_of(self.checked) if name in self.checked.automatic]
        probes = Trying(self.checked, self._measure).complete(named, waiting) if waiting else named
        if all(probe.prepared is None for probe in probes):
            raise OutOfMemory(f"no operating point of the space can be trained here: {probes[0].problem}")
        return tuple(probes)

    def _measure(self, names: Sequence[str]) -> list[Probe]:
        """A probe of each of the points: the store's, or a new one. One without weights cannot be trained."""
        lacking = {name: problem for name in names if (problem := self._without_weights(name))}
        names, every = [name for name in names if name not in lacking], names
        keys = {name: self._key(name) for name in names}
        stored = {} if self.fresh else {name: self._stored(name, keys[name]) for name in names}
        old = {name: probe for name, probe in stored.items() if probe is not None}
        known = {name: probe for name, probe in old.items() if (probe.age_s or 0.0) <= KEPT_S}
        unknown = [name for name in names if name not in known]
        if unknown:
            places = ", ".join(points.shown(name) + _last(old.get(name)) for name in unknown)
            self._say(f"Probing: a few real steps of the defaults at {places} ...")
            self.ready()
        return [
            Probe(point=name, prepared=None, problem=lacking[name])
            if name in lacking
            else known.get(name) or self._measured(name, keys[name])
            for name in every
        ]

    def _without_weights(self, name: str) -> str:
        """Reason for which an automatic candidate has no weights; empty if it has some, or needs none."""
        try:
            self._weights(str(self._fixed(name).get("model", "")))
        except BadWeights as error:
            return str(error).split(". ")[0].rstrip(".")
        return ""

    def _stored(self, name: str, key: str) -> Probe | None:
        row = kept_probe(self.engine, key)
        if row is None:
            return None
        return Probe(point=name, prepared=row.prepared, measured_at=row.at, age_s=max(0.0, self.now() - row.at))

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
        """Measurement at the batch with which the operating point will be trained."""
        batch = _batch_setting(self.checked)
        if batch is not None or self.checked.request.trainer != "ultralytics":
            return self._prepare(name, None)
        if self.checked.slots.device == "cpu":
            return self._prepare(name, CPU_BATCH)
        setting = self.checked.fixed.get("nbs", schema.defaults().get("nbs", 64))
        nominal = int(setting) if isinstance(setting, int | float) else 64
        share = _share(self.checked)
        if share is None:
            prepared, note = largest_batch(partial(self._prepare, name), nominal)
        else:  # as Ultralytics: no bound but the memory
            prepared, note = largest_batch(partial(self._prepare, name), _MOST_BATCH, share)
        self._say(f"{points.shown(name)}: {note}")
        return prepared

    def _prepare(self, name: str, batch: int | None) -> Prepared:
        """Measurement at that batch; None for the batch of the request or the trainer."""
        checked = self.checked
        fixed = self._fixed(name) | ({"batch": batch} if batch is not None else {})
        start = self._weights(str(fixed.get("model", "")))
        weights = start.path if start is not None else None
        folder = folders.probe(self.directory)
        job = folders.job(self.directory, folder, weights=weights, fixed=fixed, slots=checked.slots)
        search = checked.request
        return self.prepare(search.trainer, job, search.epochs or _PROBED_EPOCHS, search.seed, checked.slots)

    def _weights(self, model: str) -> VariantWeights | None:
        """Weights with which the model's trainings start. Those of an automatic candidate are looked for here."""
        checked, search = self.checked, self.checked.request
        named = checked.weights_for(model)
        if named is not None or not any(point.rpartition("@")[0] == model for point in checked.automatic):
            return named
        if model not in self.found:
            files = find_weights(search.weights, [model], offline=search.offline, say=self._say).files
            self.found[model] = files[0] if files else None
        return self.found[model]

    def _fixed(self, name: str) -> dict[str, Any]:
        model, _, imgsz = name.rpartition("@")
        return {**self.checked.fixed, **({"model": model, "imgsz": int(imgsz)} if model else {})}

    def _key(self, name: str) -> str:
        """Digest of everything on which the measurement depends."""
        checked = self.checked
        fixed = self._fixed(name)
        model = str(fixed.get("model", ""))
        start = self._weights(model)
        influences = {
            "data": checked.data_fingerprint,
            "holdout": checked.request.holdout,  # a smaller val is validated faster
            "trainer": checked.request.trainer,
            "network": _content(model) if checked.request.trainer == "ultralytics" else "",
            "weights": start.sha256 if start is not None else None,
            "fixed": {key: value for key, value in fixed.items() if key != "batch"},
            "batch": _batch_setting(checked) or _share(checked) or "auto",
            "device": _device(checked.slots),
            "threads": checked.slots.threads,
            "versions": _versions(),
        }
        return hashlib.sha256(json.dumps(influences, sort_keys=True, default=str).encode()).hexdigest()

    def _say(self, text: str) -> None:
        self.listener(Notice(kind="note", at=0.0, values={"text": text}))


def points_of(checked: request.Checked) -> tuple[str, ...]:
    """Operating points of the space as 'model@imgsz', the baseline's first; the trainer's name if it has no models."""
    joint = next((p for p in checked.space.parameters if p.name == POINT), None)
    if joint is not None:
        return tuple(str(choice) for choice in joint.choices)
    if checked.request.trainer != "ultralytics":
        return (checked.request.trainer,)
    return (f"{checked.fixed['model']}@{checked.fixed['imgsz']}",)


def _without_candidates(spec: StudySpec) -> StudySpec:
    """The spec with the variants and image sizes that it trains: most of the automatic ones are left out."""
    names = [cost.name for cost in spec.points] or [f"{spec.fixed['model']}@{spec.fixed['imgsz']}"]
    parts = [name.rpartition("@") for name in names]
    models, sizes = dict.fromkeys(model for model, _, _ in parts), dict.fromkeys(int(size) for _, _, size in parts)
    weights = tuple(weights for weights in spec.weights_of if weights.model in models)
    return replace(spec, models=tuple(models), imgsz=tuple(sizes), weights_of=weights)


def _last(probe: Probe | None) -> str:
    """Age of a price that is too old, in words; empty without one."""
    return "" if probe is None or probe.age_s is None else f" (last measured {ago(probe.age_s)})"


def _batch_setting(checked: request.Checked) -> object:
    """The batch that the user named; None for an automatic one."""
    batch = checked.fixed.get("batch")
    return None if batch == -1 or _share(checked) is not None else batch


def _share(checked: request.Checked) -> float | None:
    """Share of a GPU's memory that the user named as batch; None without one."""
    batch = checked.fixed.get("batch")
    return batch if isinstance(batch, float) and 0 < batch < 1 else None


def _content(model: str) -> str:
    """Digest of the network's description, with the name that holds its scale."""
    file = Path(schema.model_yaml(model))
    return f"{Path(model).stem}:{hashlib.sha256(file.read_bytes()).hexdigest()}" if file.is_file() else model


def _device(slots: Slots) -> str:
    """Kind and name of a slot's device."""
    if place.place() is Place.CLUSTER:
        return f"{slots.device} of {place.address()}"
    if slots.device == "cpu":
        return f"cpu {_processor()} of {os.cpu_count()}"
    tool = shutil.which("nvidia-smi")
    index = slots.devices[0] if slots.devices else "0"
    if tool is None:
        return f"gpu {index}"
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader", "-i", index]
    try:
        name = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        name = ""
    return f"gpu {name or index}"


def _processor() -> str:
    try:
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        model = None
    return model[1].strip() if model is not None else platform.processor() or platform.machine()


def _versions() -> Mapping[str, str]:
    """Versions of the packages on which a measurement depends; none of them is loaded."""
    versions = {"python": sys.version.split()[0]}
    for name in ("yolo-automl", "torch", "torchvision", "ultralytics"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def _figures(prepared: Prepared, spec: StudySpec) -> Mapping[str, Any]:
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
