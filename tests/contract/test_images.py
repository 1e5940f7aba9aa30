"""An image is refused exactly where Ultralytics leaves it out, or where it cannot decode it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automl.data.pixels import judge, quiet
from tests.builders.damaged import DAMAGED, SAMPLES

# Ultralytics' verdict, and whether its reader decodes the file. A JPEG that it writes anew is written elsewhere.
QUESTION = """
import json, sys
from ultralytics.data import utils
from ultralytics.utils.patches import imread
utils._replace_image = lambda file, write: (write(file + ".anew"), anew.append(file))
answers, anew = [], []
for file in json.loads(sys.argv[1]):
    usable = utils.verify_image_label((file, "absent.txt", "", False, 1, 0, 0, False))[0] is not None
    answers.append({"usable": usable and imread(file) is not None, "anew": usable and file in anew})
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file for each of SAMPLES."""
    folder = tmp_path_factory.mktemp("images")
    found = {}
    for number, (name, sample) in enumerate(SAMPLES.items()):
        found[name] = folder / f"{number}.{sample.suffix}"
        found[name].write_bytes(sample.content)
    return found


@pytest.fixture(scope="module")
def theirs(files: dict[str, Path]) -> dict[str, Any]:
    """Answers of Ultralytics, which is asked in a process of its own."""
    folder = next(iter(files.values())).parent
    quietly = {"YOLO_CONFIG_DIR": str(folder / "settings"), "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, json.dumps([str(file) for file in files.values()])],
        env=os.environ | quietly,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(files, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_ours_and_theirs_agree(files: dict[str, Path], theirs: dict[str, Any], name: str) -> None:
    with quiet():
        verdict = judge(str(files[name]))
    assert {"usable": verdict.flaw is None, "anew": verdict.untidy} == theirs[name]
    assert (verdict.flaw is None) == (name not in DAMAGED)
