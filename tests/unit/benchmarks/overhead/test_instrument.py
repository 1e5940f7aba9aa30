"""The instrument in the measured processes, on a stand-in for Ultralytics' trainer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.overhead import instrument
from benchmarks.overhead.figures import add_up

TRAINER = """
import time
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
class BaseTrainer:
    epoch = 0
    def run_callbacks(self, event): pass
    def validate(self): burn(0.02)
    def final_eval(self): burn(0.3)
    def _do_train(self):
        for self.epoch in range(2):
            self.run_callbacks("on_train_epoch_start")
            burn(0.05)
            self.run_callbacks("on_train_epoch_end")
            self.validate()
            burn(0.5)
            self.run_callbacks("on_fit_epoch_end")
        self.final_eval()
"""
THEIRS = "from ultralytics.engine.trainer import BaseTrainer\nclass T(BaseTrainer): pass\nT()._do_train()\n"
OURS = """
from ultralytics.engine.trainer import BaseTrainer
class Training(BaseTrainer):
    def run_callbacks(self, event): self.last = event
    def validate(self): return super().validate()
    def final_eval(self): pass
class _Probe(Training):
    def validate(self): super().validate()
for kind in (Training, _Probe, Training):
    kind()._do_train()
"""


def spans(tmp_path: Path, program: str, **more: str) -> list[dict[str, Any]]:
    """Spans that a program writes if it imports the stand-in as Ultralytics."""
    hook, package = tmp_path / "hook", tmp_path / "package" / "ultralytics"
    hook.mkdir()
    shutil.copyfile(instrument.__file__, hook / "sitecustomize.py")
    (package / "engine").mkdir(parents=True)
    (package / "utils").mkdir()
    (package / "__init__.py").touch()
    (package / "engine" / "__init__.py").touch()
    (package / "utils" / "__init__.py").write_text("NUM_THREADS = 3\n")
    (package / "engine" / "trainer.py").write_text(TRAINER)
    path = os.pathsep.join((str(hook), str(tmp_path / "package")))
    marks = tmp_path / "marks.jsonl"
    environment = {**os.environ, "PYTHONPATH": path, instrument.FILE: str(marks), **more}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return [json.loads(line) for line in marks.read_text().splitlines()] if marks.exists() else []


def test_each_epoch_leaves_a_span_of_training_and_one_of_validation(tmp_path: Path) -> None:
    lines = spans(tmp_path, THEIRS)
    assert [(span["kind"], span["epoch"]) for span in lines] == [
        ("train", 1),
        ("val", 1),
        ("train", 2),
        ("val", 2),
        ("final", 2),
    ]


def test_only_what_lies_within_the_spans_is_paid(tmp_path: Path) -> None:
    paid = add_up(json.dumps(span) for span in spans(tmp_path, THEIRS))
    assert 0.13 < paid.cpu_s < 0.3  # of 0.14 s within the epochs' spans, and 1.3 s beside them
    assert 0.29 < paid.final_eval_cpu_s < 0.6


def test_a_trainer_with_events_and_validation_of_its_own_is_measured_once(tmp_path: Path) -> None:
    lines = spans(tmp_path, OURS)
    assert [span["kind"] for span in lines] == ["train", "val", "train", "val"] * 3
    assert [span["by"] for span in lines] == ["Training"] * 4 + ["_Probe"] * 4 + ["Training"] * 4
    paid = add_up(json.dumps(span) for span in lines)
    assert (paid.trials, paid.epochs) == (2, 4)


def test_without_a_file_to_write_to_nothing_is_wrapped(tmp_path: Path) -> None:
    program = f"import os\ndel os.environ['{instrument.FILE}']\nimport sitecustomize\nsitecustomize.install()\n"
    check = "import sys; assert sum(type(finder).__name__ == '_Finder' for finder in sys.meta_path) == 1"
    assert spans(tmp_path, program + check) == []


def test_the_count_of_threads_is_set_where_it_is_asked_for(tmp_path: Path) -> None:
    program = "from ultralytics.utils import NUM_THREADS; assert NUM_THREADS == 1, NUM_THREADS"
    spans(tmp_path, program, **{instrument.THREADS: "1"})


def test_a_sitecustomize_that_it_hides_is_run_too(tmp_path: Path) -> None:
    hidden = tmp_path / "package" / "sitecustomize.py"
    hidden.parent.mkdir()
    hidden.write_text("import os\nos.environ['HIDDEN'] = 'ran'\n")
    spans(tmp_path, "import os; assert os.environ['HIDDEN'] == 'ran'")


def test_it_loads_nothing_that_a_process_would_have_to_pay_for() -> None:
    file = Path(instrument.__file__)
    program = (
        f"import sys; before = set(sys.modules); exec(open({str(file)!r}).read()); print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"importlib", "importlib.machinery", "importlib._bootstrap", "warnings"} | {
        "importlib._bootstrap_external",
        "_warnings",
        "__future__",
    }
