"""Check that a study can be resumed: its folder, its files and its GPUs are still there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from automl.data.dataset import known_fingerprints, read_dataset, write_resolved
from automl.data.holdout import hold_back
from automl.data.images import TEST
from automl.data.manifest import differences, in_words, record_files
from automl.drivers import place
from automl.drivers.place import Place
from automl.errors import AutoMLError, BadData, BadWeights, NoDevice, NoSpace, StudyConflict
from automl.files import disk, folders
from automl.files.home import make_folder
from automl.files.moved import elsewhere, network
from automl.records import Slots, StudyRow, StudySpec, StudyState, weights_for
from automl.setup import request
from automl.setup.slots import Say, find_slots
from automl.setup.spellings import data_file
from automl.trainers.ultralytics import pretrained
from automl.trainers.ultralytics.weights import check_weights, sha256


def check_unfinished(row: StudyRow) -> None:
    """Raise StudyConflict for a study of which nothing is left to resume."""
    if row.state in (StudyState.FINISHED, StudyState.FAILED):
        raise StudyConflict(
            f"study '{row.name}' is {row.state.value} ({row.reason}). Nothing is left to resume; "
            "start a new one with `automl search`."
        )


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


def with_data(spec: StudySpec, data: Path | None, home: Path, command: str) -> StudySpec:
    """The spec with the present place of its data set, once that is sure to have the same content.

    data     the data.yaml as the user names it now; None: where it was
    home     folder of all studies
    command  command line to which `--data` can be added, for an error

    Raises AutoMLError if there is no such data set, or if it is another one.
    """
    again = f"name its data.yaml: {command} --data FILE"
    if data is None and not Path(spec.data).is_file():
        raise BadData(spec.data, f"no such file. If the data set of study '{spec.name}' has moved, {again}")
    if data is not None and spec.trainer == "ultralytics":
        data = data_file(data, home)
    file = Path(data or spec.data).expanduser().absolute()
    if spec.data_fingerprint in known_fingerprints(file, test=measures_test(spec)):
        return replace(spec, data=str(file))
    if data is not None:
        raise StudyConflict(
            f"{file} is not the data set of study '{spec.name}': its images, labels or classes differ. Name "
            "the one with which the study began, or start a new study."
        )
    differing = differences(folders.data(spec.directory))
    names = f" ({in_words(differing)})" if differing else ""
    raise StudyConflict(
        f"the data set {spec.data} has changed since study '{spec.name}' began{names}, so its scores would not "
        f"compare. Restore it, or start a new study. If it has moved, {again}"
    )


def check_resumable(spec: StudySpec) -> StudySpec:
    """The spec with the present places of its weights.

    Raises AutoMLError if the study's folder, files or GPUs are gone or have changed: its trials would fail.
    """
    _check_gpus(spec)
    directory = Path(spec.directory)
    if not directory.is_dir():
        before = elsewhere(spec)
        raise NoSpace(
            f"{directory} is gone, and with it the trials' snapshots"
            f"{f'; {before}, where it was, is gone too' if before else ''}. "
            "Put the folder back, or name the home folder that holds it with AUTOML_HOME."
        )
    make_folder(directory)
    disk.check_disk(directory, spec.parameters, spec.slots)
    for model in spec.models if spec.trainer == "ultralytics" else ():
        _check_network(spec, model)
    spec = with_weights(spec)
    dataset = read_dataset(spec.data, test=measures_test(spec))
    searched = hold_back(dataset, spec.holdout, spec.seed)
    record_files(searched, write_resolved(searched, folders.data(directory)))
    if spec.reported:
        record_files(dataset, write_resolved(dataset, folders.reported_data(directory)))
    return spec


def _check_network(spec: StudySpec, model: str) -> None:
    file = network(spec, model)
    if Path(file).is_absolute() and not Path(file).is_file():
        nor = f" (nor is {file})" if file != model else ""
        raise AutoMLError(f"the network of study '{spec.name}', {model}, is not there{nor}. Put the file back.")
    request.check_model(file)


def with_weights(spec: StudySpec) -> StudySpec:
    """The spec with weights files that exist. Raises BadWeights for one that is gone or is another one."""
    files = {weights.path: weights.sha256 for model in spec.models if (weights := weights_for(spec, model))}
    files_here = {path: _weights(spec, path, digest) for path, digest in files.items()}
    return replace(
        spec,
        weights=None if spec.weights is None else files_here.get(spec.weights, spec.weights),
        weights_of=tuple(file._replace(path=files_here.get(file.path, file.path)) for file in spec.weights_of),
    )


def _weights(spec: StudySpec, path: str, digest: str) -> str:
    file = pretrained.again(path, digest)
    if not Path(file).exists():
        raise BadWeights(
            f"{path}, from which study '{spec.name}' starts, is not there. Put it back, or into the current folder or "
            f"the one that {pretrained.FOLDER} names: there it is found by its name, with sha256 {digest}."
        )
    if sha256(check_weights(file)) != digest:
        raise BadWeights(f"{file} has changed since the study began. Put the file of sha256 {digest} back.")
    return file


def measures_test(spec: StudySpec) -> bool:
    """True if the study measures on the test split. Otherwise that may come and go."""
    return spec.unseen == TEST or spec.reported


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
