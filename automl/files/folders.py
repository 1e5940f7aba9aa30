"""Paths of a study's files, below the study's own folder. Pure: nothing is created or read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from automl.records import Params, Slots, TrainJob


def data(study: str | Path) -> Path:
    """The data.yaml of the trials: the user's with absolute paths, without the images held back from val."""
    return Path(study) / "data.yaml"


def reported_data(study: str | Path) -> Path:
    """The data.yaml whose test split only reports, beside a holdout that may decide."""
    return Path(study) / "data-test.yaml"


def cache(study: str | Path) -> Path:
    """Folder that its trials share: label caches and the libraries' settings."""
    return Path(study) / "cache"


def probe(study: str | Path) -> Path:
    """Folder with the log of the probe."""
    return Path(study) / "probe"


def trial(study: str | Path, number: int) -> Path:
    """Folder of a trial: log, snapshot, weights and pictures."""
    return Path(study) / "trials" / f"{number:05d}"


def predictions(study: str | Path) -> Path:
    """Folder with the predictions of kept trials, a file for each set of weights and images."""
    return Path(study) / "predictions"


def ensembles(study: str | Path) -> Path:
    """Folder with the files of its ensembles, and with averaged networks."""
    return Path(study) / "ensembles"


def artifact(study: str | Path, number: int, path: str) -> Path:
    """A trial's file by the path in its row: a place in the study's folder, in earlier versions an absolute path.

    It lies in the trial's folder, wherever that is now, so only the name counts.
    """
    return trial(study, number) / re.split(r"[\\/]", path)[-1]


def network(study: str | Path, model: str) -> Path:
    """Copy of the file that describes a network, named as the original: a name may hold the network's scale."""
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return Path(study) / "networks" / digest / re.split(r"[\\/]", model)[-1]


def log(study: str | Path) -> Path:
    """Output of a search that goes on without a terminal."""
    return Path(study) / "search.log"


def journals(study: str | Path) -> Path:
    """Folder with the rows that wait for the database, a file for each session."""
    return Path(study) / "journal"


def pause(study: str | Path) -> Path:
    """File that exists while running trials have to end after their epoch."""
    return Path(study) / "pause"


def job(
    study: str | Path, folder: Path, *, weights: str | None, fixed: Params, slots: Slots, network: str = ""
) -> TrainJob:
    """Inputs of a training of the study.

    folder   for its log, snapshot and weights: `trial` or `probe`
    network  as in TrainJob
    """
    return TrainJob(
        data=str(data(study)),
        weights=weights,
        fixed=fixed,
        directory=str(folder),
        cache=str(cache(study)),
        device="0" if slots.device == "gpu" else "cpu",  # a worker sees no other GPU than its own
        threads=slots.threads,
        pause_file=str(pause(study)),
        network=network,
    )
