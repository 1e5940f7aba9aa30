"""Check that a study can be resumed: its folder, its files and its GPUs are still there."""

from __future__ import annotations

from pathlib import Path

from automl.data.dataset import read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.drivers import place
from automl.drivers.place import Place
from automl.errors import AutoMLError, NoDevice, NoSpace, StudyConflict
from automl.files import disk, folders
from automl.files.home import make_folder
from automl.records import Slots, StudySpec, weights_for
from automl.setup import request
from automl.setup.slots import Say, find_slots


def slots_here(device: str | None, count: int | None, say: Say = lambda text: None) -> Slots:
    """The slots of this process's Ray session, else of the cluster that RAY_ADDRESS names, else of this machine."""
    if count is not None and count < 1:
        raise AutoMLError(f"--slots {count}: a search needs 1 slot or more.")
    look_for_ray(say)
    if place.place() is Place.HERE:
        return find_slots(device, count, say)
    from automl.drivers import cluster

    return cluster.cluster_slots(device, count)


def look_for_ray(say: Say) -> None:
    """Say which Ray session is used, unless it is one of our own on this machine.

    Raises AutoMLError, before Ray is loaded, if no cluster answers at RAY_ADDRESS.
    """
    address = place.address()
    if place.place() is Place.SESSION:
        say("This process has a Ray session: the search uses it, and leaves it as it is.")
    elif place.place() is Place.CLUSTER and address is not None:
        say(f"Looking for {place.elsewhere()} ...")
        place.check_address(address)


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
    write_resolved(hold_back(read_dataset(spec.data), spec.holdout, spec.seed), folders.data(directory))
    disk.check_disk(directory, spec.parameters, spec.slots)


def _check_gpus(spec: StudySpec) -> None:
    """Raise StudyConflict if the GPUs of the study's slots are missing: every trial would fail or wait."""
    if spec.slots.device != "gpu":
        return
    devices = ",".join(spec.slots.devices) if place.place() is Place.HERE else "gpu"
    try:
        slots = slots_here(devices or None, None)
    except NoDevice as error:
        way_out = "Resume it where it has them."
        raise StudyConflict(
            f"study '{spec.name}' trains on {spec.slots.count} GPUs. {error.problem}. {way_out}"
        ) from error
    if slots.device != "gpu" or slots.count < spec.slots.count:
        count = slots.count if slots.device == "gpu" else 0
        raise StudyConflict(
            f"study '{spec.name}' trains on {spec.slots.count} GPUs, and {count} are here. Resume it where they are."
        )
