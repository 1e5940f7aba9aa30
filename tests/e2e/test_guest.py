"""A search in a process of the user's: whatever it changes there it gives back, and what was there it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.host import run_program
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]

START = """
import os, signal, sys, threading, warnings
from tests.builders.host import QUICK, check_same, snapshot
"""
# The second search asks for another number of slots, as another --device would.
TWO_SEARCHES = """
os.environ["OMP_NUM_THREADS"] = "7"
signal.signal(signal.SIGUSR1, lambda *of: None)
before = snapshot()
import automl
check_same(before, snapshot())
plan = automl.dry_run("data.yaml", "3trials", **QUICK)
check_same(before, snapshot())
first = automl.search("data.yaml", "3trials", **QUICK)
check_same(before, snapshot())
second = automl.search("data.yaml", "3trials", **{**QUICK, "slots": 2})
check_same(before, snapshot())
automl.show(first.study.name), automl.studies(), automl.status()
check_same(before, snapshot())
print("trials", len(first.trials), len(second.trials))
"""
ERRORS = """
import automl
before = snapshot()
for words in ({"device": "7"}, {"epochs": 0}, {"sampler": "none"}):
    try:
        automl.search("data.yaml", "3trials", **{**QUICK, **words})
    except automl.errors.AutoMLError as error:
        print("refused", error)
    check_same(before, snapshot())
try:
    automl.search("data.yaml", "100cpu-s", **{**QUICK, "epochs": 9})
except automl.errors.AutoMLError as error:
    print("refused", error)
check_same(before, snapshot())
def listen(notice):
    if notice.kind == "trial_ended":
        raise ZeroDivisionError
try:
    automl.search("data.yaml", "3trials", listener=listen, **QUICK)
except ZeroDivisionError:
    print("raised")
check_same(before, snapshot())
(row,) = automl.studies()
automl.resume(row.name)
check_same(before, snapshot())
print("resumed")
"""
THREAD = """
import automl
before = snapshot()
reports = []
thread = threading.Thread(target=lambda: reports.append(automl.search("data.yaml", "3trials", **QUICK)))
thread.start()
thread.join()
check_same({**before, "random": None}, {**snapshot(), "random": None})  # another thread may have drawn meanwhile
print("trials", len(reports[0].trials))
"""
# The session of the user's has a job-level environment and messages of its own, and work that goes on.
SESSION = """
import ray
ray.init(num_cpus=3, include_dashboard=False, runtime_env={"env_vars": {"MINE": "1"}})
@ray.remote(num_cpus=1)
class Counter:
    def __init__(self): self.count = 0
    def add(self): self.count += 1; return self.count, os.environ.get("MINE"), os.environ.get("OMP_WAIT_POLICY")
counter = Counter.remote()
assert ray.get(counter.add.remote()) == (1, "1", None)
import automl
from automl.errors import AutoMLError
before = snapshot()
node = ray.nodes()[0]["NodeID"]
notes = []
listen = lambda notice: notes.append(notice.values["text"]) if notice.kind == "note" else None
report = automl.search("data.yaml", "3trials", listener=listen, **QUICK)
check_same(before, snapshot())
again = automl.search("data.yaml", "3trials", **{**QUICK, "slots": None})
check_same(before, snapshot())
assert [note for note in notes if "Ray session" in note], notes
assert again.study.spec.slots.count == 2, again.study.spec.slots  # one CPU is the counter's
assert ray.is_initialized() and ray.nodes()[0]["NodeID"] == node
assert ray.get(counter.add.remote()) == (2, "1", None)
print("trials", len(report.trials), len(again.trials))
others = [Counter.remote() for _ in range(2)]
ray.get([other.add.remote() for other in others])
for words in ({}, {"device": "0"}, {"device": "gpu"}):
    try:
        automl.search("data.yaml", "3trials", **{**QUICK, **words})
    except AutoMLError as error:
        print("refused", error)
assert ray.is_initialized()
check_same(before, snapshot())
"""
# What the workers see is written by the trainer, which is Ultralytics' own.
ENVIRONMENT = """
import ray
ray.init(num_cpus=1, include_dashboard=False)
import automl
from pathlib import Path
tiny = dict(models=["network.yaml"], imgsz=[64], batch=4, fixed={"nbs": 4}, device="cpu", epochs=2, weights="none")
before = snapshot()
report = automl.search("data.yaml", "2trials", recipe_only=True, confirm=0, **tiny)
check_same(before, snapshot())
assert ray.is_initialized()
deadline = __import__("time").monotonic() + 30
while ray.available_resources().get("CPU") != 1.0:
    assert __import__("time").monotonic() < deadline, ray.available_resources()
print("trials", len(report.trials), [row.state.value for row in report.trials])
"""
IN_A_TASK = """
import ray
ray.init(num_cpus=2, include_dashboard=False)
@ray.remote(num_cpus=1)
def task():
    import automl
    return len(automl.search("data.yaml", "3trials", **QUICK).trials)
print("trials", ray.get(task.remote()))
"""
# Ray keeps to the kind of authentication of its first session here; a cluster without tokens would lose every actor.
TOKENS = """
import automl
from automl.drivers.cluster import cluster
automl.search("data.yaml", "3trials", **QUICK)
os.environ["RAY_ADDRESS"] = "127.0.0.1:6379"
from automl.drivers import place
place._clusters["127.0.0.1:6379"] = place.RayCluster("127.0.0.1:6379", "disabled")
try:
    with cluster(automl.studies()[0].spec.slots):
        print("joined")
except automl.errors.AutoMLError as error:
    print("refused", error)
"""
TWO_AT_ONCE = """
import automl
from automl.errors import AutoMLError
outcomes = []
def one(name):
    try:
        outcomes.append(len(automl.search("data.yaml", "30trials", name=name, **QUICK).trials))
    except AutoMLError as error:
        outcomes.append(str(error))
threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b")]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert {*map(type, outcomes)} == {int, str}, outcomes
print("refused", *[outcome for outcome in outcomes if isinstance(outcome, str)])
"""


def printed(program: str, folder: Path, **variables: str) -> str:
    """What the program prints; it ends well and says nothing else."""
    draw_data(folder, train=2, val=1)
    done = run_program(START + program, folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_nothing_of_the_process_changes_with_a_search_and_a_second_one(tmp_path: Path) -> None:
    assert printed(TWO_SEARCHES, tmp_path) == "trials 3 3\n"


@pytest.mark.long
def test_nothing_of_the_process_changes_with_an_error(tmp_path: Path) -> None:
    text = printed(ERRORS, tmp_path)
    assert [line.split()[0] for line in text.splitlines()] == ["refused"] * 4 + ["raised", "resumed"]


def test_a_search_runs_in_any_thread(tmp_path: Path) -> None:
    assert printed(THREAD, tmp_path) == "trials 3\n"


def test_a_ray_session_of_the_user_is_used_and_left_running(tmp_path: Path) -> None:
    text = printed(SESSION, tmp_path)
    assert "trials 3 3\n" in text
    refused = [line for line in text.splitlines() if line.startswith("refused")]
    assert "the Ray session of this process has no free CPU" in refused[0]
    assert "ray.shutdown()" in refused[0]
    assert "--device 0: the Ray session of this process" in refused[1]
    assert "has no free GPU" in refused[2]


@pytest.mark.long
def test_trainings_in_a_ray_session_of_the_user_leave_no_process_that_holds_a_cpu(tmp_path: Path) -> None:
    assert "trials 2 ['completed'" in printed(ENVIRONMENT, tmp_path)


@pytest.mark.long
def test_a_search_runs_inside_a_task_of_ray(tmp_path: Path) -> None:
    assert "trials 3\n" in printed(IN_A_TASK, tmp_path)


def test_a_cluster_after_a_session_with_a_token_is_refused(tmp_path: Path) -> None:
    assert "Begin this search in another process" in printed(TOKENS, tmp_path)


def test_of_two_searches_at_once_in_a_process_one_is_refused(tmp_path: Path) -> None:
    assert "another search runs in this process" in printed(TWO_AT_ONCE, tmp_path)
