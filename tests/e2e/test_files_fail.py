"""A disk that fills, data that change and a folder that goes, in mid-search: the study is interrupted, and goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from automl.records import StudyState, TrialState
from tests.builders.cli import COMMAND, ONE_SLOT, TINY, WAIT_S, Place, wait_for
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.fault]
NAME, EPOCHS = "bad", 12
REAL = ("search", *TINY, *ONE_SLOT, "--name", NAME, "--epochs", str(EPOCHS), "--budget", "2trials", "--recipe-only")
INVENTED = ("search", "--data", "data.yaml", "--trainer", "surrogate", *ONE_SLOT, "--name", NAME, "--recipe-only")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    draw_data(tmp_path)
    return Place(tmp_path)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root on Linux can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all that is free."""
    file = disk / "fill"
    with suppress(OSError), file.open("wb", buffering=0) as stream:
        while stream.write(bytes(1 << 20)):
            pass
    return file


def test_a_disk_that_fills_at_a_trials_end_leaves_it_interrupted_with_its_snapshot(place: Place) -> None:
    with small_disk(place.home / "studies", "500m") as disk:
        trial = disk / NAME / "trials" / "00000"
        with place.start(*REAL) as process:
            wait_for("a snapshot", lambda: (trial / "snapshot.pt").exists(), process)
            file = fill(disk)
            _, stderr = process.communicate(timeout=WAIT_S)
        assert (process.returncode, "Traceback" in stderr) == (1, False)
        assert place.study(NAME).state is StudyState.INTERRUPTED
        assert str(disk) in str(place.study(NAME).reason)
        assert "resume" in str(place.study(NAME).reason)
        assert place.trials(NAME)[0].state is TrialState.INTERRUPTED
        assert (trial / "snapshot.pt").exists()
        assert not (trial / "best.pt").exists()
        refused = place.run("resume", NAME)
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
        file.unlink()
        done = place.run("resume", NAME, "--quiet")
        assert done.returncode == 0, done.stderr
        assert place.trials(NAME)[0].state is TrialState.COMPLETED
        assert (trial / "best.pt").exists()


def test_an_image_that_goes_in_mid_search_ends_it_with_its_name_until_it_is_back(place: Place) -> None:
    image = place.folder / "images" / "val" / "3.png"
    content = image.read_bytes()
    with place.start(*REAL) as process:
        wait_for("an epoch", lambda: place.epochs(NAME), process)
        image.unlink()
        _, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, "Traceback" in stderr) == (1, False)
    study = place.study(NAME)
    assert study.state is StudyState.INTERRUPTED
    assert f"1 image of val is missing ({image})" in str(study.reason)
    refused = place.run("resume", NAME)
    assert (refused.returncode, str(image) in refused.stderr) == (2, True)
    image.write_bytes(content)
    done = place.run("resume", NAME, "--quiet")
    assert done.returncode == 0, done.stderr
    assert {row.state for row in place.trials(NAME)} <= {TrialState.COMPLETED, TrialState.STOPPED}


def test_a_studys_folder_that_goes_interrupts_it_and_an_empty_one_lets_it_go_on(place: Place) -> None:
    with place.start(*INVENTED, "--epochs", "5", "--budget", "3000trials") as process:
        wait_for("an epoch", lambda: place.epochs(NAME), process)
        shutil.rmtree(place.home / "studies" / NAME, ignore_errors=True)
        _, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, "Traceback" in stderr) == (1, False)
    assert place.study(NAME).state is StudyState.INTERRUPTED
    assert str(place.home / "studies" / NAME) in str(place.study(NAME).reason)


def test_a_reader_that_leaves_and_a_full_disk_of_events_stop_no_search(place: Place) -> None:
    with small_disk(place.folder / "small", "8k") as disk:
        command = [*COMMAND, *INVENTED, "--epochs", "5", "--budget", "4trials", "--json-events", str(disk / "e.jsonl")]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=place.folder,
            env=place._environment(),
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()  # as `| head -1` does
            assert process.stderr is not None
            stderr = process.stderr.read()
        assert (process.returncode, stderr) == (0, "")
        assert place.study(NAME).state is StudyState.FINISHED
        assert (disk / "e.jsonl").read_text().endswith("}\n")
