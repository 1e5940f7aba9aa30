"""Label caches: ours are read, and one that would run code is not."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.trainers.ultralytics.label_cache import read_cache

LABELS = {
    "labels": [
        {
            "im_file": "a.jpg",
            "shape": (480, 640),
            "cls": np.zeros((2, 1), dtype=np.float32),
            "bboxes": np.asfortranarray(np.ones((2, 4), dtype=np.float32)),
            "segments": [np.ones((3, 2), dtype=np.float32)],
            "keypoints": None,
            "normalized": True,
        }
    ],
    "hash": "0" * 64,
    "results": (1, np.int64(2), np.float32(0.5)),
    "msgs": ["ä"],
}


class _Runs:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def _save(file: Path, content: object) -> None:
    with file.open("wb") as stream:
        np.save(stream, np.array(content, dtype=object), allow_pickle=True)


def test_parsed_labels_are_read_as_they_were_stored(tmp_path: Path) -> None:
    _save(tmp_path / "a.cache", LABELS)
    stored = read_cache(tmp_path / "a.cache")
    assert repr(stored) == repr(LABELS)


@pytest.mark.parametrize("wrapped", [False, True])
def test_code_in_a_cache_is_not_run(tmp_path: Path, wrapped: bool) -> None:
    evil = _Runs(tmp_path / "ran")
    _save(tmp_path / "a.cache", {**LABELS, "evil": evil} if wrapped else evil)
    with pytest.raises(pickle.UnpicklingError, match="no part of parsed labels"):
        read_cache(tmp_path / "a.cache")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", pickle.dumps({})])
def test_what_is_no_cache_is_an_error_and_never_labels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.cache").write_bytes(content)
    with pytest.raises((OSError, ValueError, EOFError)):
        read_cache(tmp_path / "a.cache")
