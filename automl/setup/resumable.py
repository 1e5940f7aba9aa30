"""Check that a study can be resumed: its folder, its files and its GPUs are still there."""

from __future__ import annotations

import os
from pathlib import Path

from automl.data.dataset import read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.data.images import TEST
from automl.errors import AutoMLError, NoSpace, StudyConflict
from automl.files import disk, folders
from automl.files.home import make_folder
from automl.records import Slots, StudySpec, weights_for
from automl.setup import request
from automl.setup.slots import find_slots


def slots_here(device: str | None, count: int | None) -> Slots:
    """The slots of the cluster that RAY_ADDRESS names, else of this machine."""
    if os.environ.get("RAY_ADDRESS"):
        from automl.drivers import cluster

        return cluster.cluster_slots(device, count)
    return find_slots(device, count)


def check_resumable(spec: StudySpec) -> None:
    """Raise AutoMLError if the study's folder, files or GPUs are gone or have changed: its trials would fail."""
    _check_gpus(spec)
    directory = Path(spec.directory)
    if not directory.is_dir():
        raise NoSpace(f"{directory} is gone, and with it the trials' snapshots. Put the folder back where it was.")
    make_folder(directory)
    for model in spec.models if spec.trainer == "ultralytics" else ():
        request.check_model(model)
    files = {weights.path: weights.sha256 for model in spec.models if (weights := weights_for(spec, model))}
    for path, digest in files.items():
        request.check_same_weights(path, digest)
    dataset = read_dataset(spec.data, test=measures_test(spec))
    write_resolved(hold_back(dataset, spec.holdout, spec.seed), folders.data(directory))
    disk.check_disk(directory, spec.parameters, spec.slots)


def measures_test(spec: StudySpec) -> bool:
    """True if the study measures on the test split. Otherwise that may come and go."""
    return spec.unseen == TEST or spec.reported


def _check_gpus(spec: StudySpec) -> None:
    """Raise StudyConflict if the GPUs of the study's slots are missing: every trial would fail or wait."""
    if spec.slots.device != "gpu":
        return
    devices = "gpu" if os.environ.get("RAY_ADDRESS") else ",".join(spec.slots.devices)
    try:
        slots = slots_here(devices or None, None)
    except AutoMLError as error:
        raise StudyConflict(f"study '{spec.name}' trains on {spec.slots.count} GPUs. {error}") from error
    if slots.device != "gpu" or slots.count < spec.slots.count:
        count = slots.count if slots.device == "gpu" else 0
        raise StudyConflict(
            f"study '{spec.name}' trains on {spec.slots.count} GPUs, and {count} are here. Resume it where they are."
        )
