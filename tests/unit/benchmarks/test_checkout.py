"""Processes of the benchmarks, which start in other folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.checkout import ROOT, with_checkout


def test_a_process_in_another_folder_imports_the_benchmarks_of_this_checkout(tmp_path: Path) -> None:
    program = "import automl, benchmarks; print(automl.__file__); print(benchmarks.__file__)"
    variables = with_checkout({key: value for key, value in os.environ.items() if key != "PYTHONPATH"})
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(ROOT / name / "__init__.py") for name in ("automl", "benchmarks")]


def test_the_first_folders_and_the_users_path_are_kept(tmp_path: Path) -> None:
    variables = with_checkout({"PYTHONPATH": "/lib", "LANG": "C"}, tmp_path)
    assert variables == {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT), "/lib")), "LANG": "C"}
