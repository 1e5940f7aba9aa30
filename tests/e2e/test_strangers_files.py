"""Files of strangers that would run code when they are read: nothing of them is run, or only once they are trusted."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.builders.cli import COMMAND, ONE_SLOT, WAIT_S, Place, environment, wait_for
from tests.builders.train_tiny import NETWORK, draw_data

pytestmark = pytest.mark.fault

PLAN = ("--budget", "3trials", "--epochs", "2", "--imgsz", "64", "--batch", "4", *ONE_SLOT, "--dry-run")
TAG = "!!python/object/apply:os.mkdir"


class _Runs:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with data and two networks, of which one makes the folder `ran` when it is built."""
    draw_data(tmp_path)
    code = f"[__import__('os').makedirs({str(tmp_path / 'ran')!r}, exist_ok=True), nn.SiLU()][1]"
    (tmp_path / "evil.yaml").write_text(f'activation: "{code}"\n{NETWORK}')
    return Place(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "config")})


def _search(place: Place, *words: str, data: str = "data.yaml") -> subprocess.CompletedProcess[str]:
    return place.run("search", "--data", data, *PLAN, *words)


def test_a_network_that_runs_code_is_refused_where_nobody_can_be_asked(place: Place) -> None:
    done = _search(place, "--models", "evil.yaml")
    assert done.returncode == 2
    assert "evil.yaml:1: activation has" in done.stderr
    assert "--trust-model" in done.stderr
    assert not (place.folder / "ran").exists()


@pytest.mark.skipif(os.name == "nt", reason="terminals of Unix")
def test_at_a_terminal_it_is_asked_for_before_anything_is_run(place: Place) -> None:
    import pty

    ours, theirs = pty.openpty()
    words = ("search", "--data", "data.yaml", *PLAN, "--models", "evil.yaml")
    with subprocess.Popen(
        [*COMMAND, *words],
        cwd=place.folder,
        env=environment(**place.variables, AUTOML_HOME=str(place.home)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = bytearray()

        def question() -> bool:
            if select.select([ours], [], [], 0.1)[0]:
                shown.extend(os.read(ours, 4096))
            return b"(yes/no)" in shown

        wait_for("the question", question)
        assert not (place.folder / "ran").exists()
        os.write(ours, b"n\n")
        try:
            while part := os.read(ours, 4096):
                shown.extend(part)
        except OSError:  # the other end is closed
            pass
        assert process.wait(WAIT_S) == 2
    os.close(ours)
    assert b"--trust-model" in shown
    assert not (place.folder / "ran").exists()


@pytest.mark.slow
@pytest.mark.ray
def test_a_data_set_runs_nothing_and_a_network_only_once_it_is_trusted(place: Place) -> None:
    folder = place.folder
    script = "".join(f"  {line}\n" for line in ("import os", f"os.mkdir({str(folder / 'ran-download')!r})"))
    (folder / "data.yaml").write_text(f"{(folder / 'data.yaml').read_text()}download: |\n{script}")
    array = folder / "images" / "train" / "0.npy"
    for file in (folder / "labels" / "train.cache", array):
        with file.open("wb") as stream:
            np.save(stream, np.array({"x": _Runs(folder / "ran-pickle")}, dtype=object), allow_pickle=True)
    done = _search(place, "--models", "evil.yaml", "--trust-model")
    assert done.returncode == 0, done.stderr
    assert (folder / "ran").exists()
    assert not (folder / "ran-download").exists()
    assert not (folder / "ran-pickle").exists()
    assert array.exists()


def test_the_script_of_a_data_set_whose_images_are_gone_is_not_run(place: Place) -> None:
    script = f"download: bash mkdir {place.folder / 'ran'}\n"
    (place.folder / "gone.yaml").write_text(f"train: gone/train\nval: gone/val\nnames: [a]\n{script}")
    done = _search(place, "--models", "network.yaml", data="gone.yaml")
    assert done.returncode == 2
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("flag", ["--models", "--weights"])
def test_code_in_a_checkpoint_is_not_run(place: Place, flag: str, old: bool) -> None:
    content = {"model": _Runs(place.folder / "ran"), "epoch": 3}
    torch.save(content, place.folder / "evil.pt", _use_new_zipfile_serialization=not old)
    done = _search(place, *(("--models", "network.yaml") if flag == "--weights" else ()), flag, "evil.pt")
    assert done.returncode != 0
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("data.yaml", ()),
        ("network.yaml", ()),
        ("space.yaml", ("--space", "space.yaml")),
        ("hyp.yaml", ("--warm-start", "hyp.yaml")),
        ("hyp.pkl", ("--warm-start", "hyp.pkl")),
    ],
)
def test_a_tag_or_a_pickle_in_a_file_is_refused_and_not_run(place: Place, file: str, words: tuple[str, ...]) -> None:
    target = place.folder / file
    if target.suffix == ".pkl":
        target.write_bytes(pickle.dumps(_Runs(place.folder / "ran")))
    else:
        before = target.read_text() if target.exists() else "lr0: 0.01\n"
        target.write_text(f"{before}evil: {TAG} [{place.folder / 'ran'}]\n")
    done = _search(place, "--models", "network.yaml", *words)
    assert done.returncode == 2, done.stderr
    assert file in done.stderr
    assert not (place.folder / "ran").exists()
