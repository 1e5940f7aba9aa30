"""Virtual contests of policies: accounts, regret, rules of the peers, and output of the command."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from automl.errors import AutoMLError, UnknownName
from automl.records import Params
from automl.setup.options import SearchRequest
from automl.space import Parameter, SearchSpace
from benchmarks.cli import app
from benchmarks.policies import contest, figures
from benchmarks.policies.contest import Contest, Entry, Result, Standing, open_policy, play, policy_names
from benchmarks.policies.curves import CurvesTask
from benchmarks.policies.genetic import Genetic
from benchmarks.policies.race import GRID, Delivered, Race, Track, regrets
from benchmarks.policies.rivals import RIVALS, Asha, Flat, Hyperband, Once
from benchmarks.policies.sources import ROOT, SHAPES, WORDS
from benchmarks.policies.tasks import Curve, Padded, Scale, at_share, defaults, flat, measure, share_of

SCALE = Scale(best=0.8, median=0.5, training_s=60.0)
LINE = Scale(best=1.0, median=0.5, training_s=150.0)


class Line:
    """A score that rises to x in twelve epochs of 5 s each, or of 20 s for x above a half."""

    name = family = "line"
    horizon = 12
    warmup = 0.0
    space = SearchSpace(
        (Parameter("x", "uniform", 0.4, 0.0, 1.0), Parameter("kind", "choice", "a", choices=("a", "b")))
    )

    def curve(self, params: Params) -> Curve:
        x = float(params["x"] or 0.0)
        return Curve(scores=np.linspace(0.0, x, 12), seconds=np.full(12, 20.0 if x > 0.5 else 5.0))

    def observe(self, params: Params, seed: str) -> np.ndarray:
        return self.curve(params).scores


def entry(policy: str, seed: int = 0) -> Entry:
    return Entry(policy=policy, task=Line(), seed=seed, slots=3, trainings=12.0, startup_s=1.0, scale=LINE)


def test_regret_is_zero_at_the_best_and_one_at_the_median() -> None:
    assert SCALE.regret(0.8) == 0.0
    assert SCALE.regret(0.5) == 1.0
    assert SCALE.regret(0.35) == pytest.approx(1.5)


def test_the_scale_finds_the_known_optimum_and_the_median() -> None:
    scale = measure(Line())
    assert scale.best == pytest.approx(1.0, abs=1e-3)
    assert scale.median == pytest.approx(0.5, abs=0.06)
    assert scale.training_s in (60.0, 150.0, 240.0)


def test_a_regret_curve_steps_where_a_checkpoint_was_delivered() -> None:
    race = Race(delivered=[Delivered(25.0, 0, 1, 0.5), Delivered(50.0, 1, 3, 0.8), Delivered(101.0, 2, 1, 0.35)])
    curve = regrets(race, SCALE, 100.0)
    assert curve.shape == (GRID,)
    assert (curve[figures.index(0.25)], curve[figures.index(0.5)]) == (1.0, 0.0)
    assert curve[figures.index(0.5) - 1] == 1.0
    assert curve[-1] == 0.0  # a checkpoint beyond the budget does not count


@pytest.mark.parametrize("policy", ["automl", "full", "E"])
@pytest.mark.parametrize("budget_s", [30.0, 200.0, 1111.0])
def test_a_run_exceeds_its_budget_by_an_epoch_for_each_slot_at_most(policy: str, budget_s: float) -> None:
    track = Track(Line(), slots=3, budget_s=budget_s, seed=0)
    race = track.run(open_policy(policy, Line(), slots=3, budget_s=budget_s, seed=0))
    assert race.spent_s <= budget_s + 3 * 20.0
    assert race.end_s * 3 >= race.spent_s
    if policy != "automl":  # ours may leave a rest that cannot pay for another training
        assert race.spent_s >= budget_s


def test_slot_seconds_are_epochs_and_startups() -> None:
    task = Line()
    track = Track(task, slots=2, budget_s=1e9, seed=0, startup_s=7.0)

    race = track.run(Once(task, Flat(task.space, 1), None, defaults_first=3))
    assert race.spent_s == pytest.approx(3 * (7.0 + 12 * 5.0))
    assert race.end_s == pytest.approx(2 * (7.0 + 12 * 5.0))
    assert (race.trials, race.completed, race.epochs) == (3, 3, 36)


def test_asha_judges_before_it_records_as_ray_does() -> None:
    asha = Asha(grace=2, horizon=20)  # milestones 2, 6, 18
    assert not asha.stops(0, [0.5])
    assert not asha.stops(0, [0.5, 0.3])  # the first trial at a milestone continues
    assert not asha.stops(1, [0.9, 0.3])  # as good as the only one before
    assert asha.stops(2, [0.9, 0.29])  # raw last epoch, not the best
    assert not asha.stops(3, [0.1, 0.301])
    assert not asha.stops(3, [0.1, 0.301, 0.0])  # recorded at 2 already
    assert not asha.stops(0, [0.5, 0.3, 0.1, 0.1, 0.1, 0.05])


@pytest.mark.ray
def test_asha_stops_the_trials_that_rays_own_scheduler_stops() -> None:
    from ray.tune.schedulers.async_hyperband import _Bracket

    class Named:
        def __init__(self, number: int) -> None:
            self.trial_id = str(number)

    rng = random.Random(0)
    asha, bracket = Asha(5, 52), _Bracket(5, 52, 3, 0)
    running = {number: [] for number in range(60)}
    while running:
        number = rng.choice(list(running))
        running[number].append(rng.random() + number / 60)
        ours = asha.stops(number, running[number])
        assert ours == (bracket.on_result(Named(number), len(running[number]), running[number][-1]) == "STOP")
        if ours or len(running[number]) == 51:
            del running[number]


def test_hyperband_takes_many_short_trials_before_few_long_ones() -> None:
    hyperband = Hyperband(27)
    assert [hyperband.bracket(number) for number in (0, 26, 27, 38, 39, 44, 45, 48, 49)] == [0, 0, 1, 1, 2, 2, 3, 3, 0]
    assert not hyperband.stops(45, [0.0] * 9)  # the last bracket trains everything full length


def test_genetic_children_of_a_good_parent_stay_within_the_space() -> None:
    task = CurvesTask(0)
    genetic = Genetic(task.space, 0)
    start = task.space.values(defaults(task.space))
    assert genetic.ask(0, start) == pytest.approx(start)
    genetic.tell(0, [0.1, 0.5], stopped=False)
    children = set()
    for number in range(1, 60):
        child = genetic.ask(number)
        assert all(p.holds(child[p.name]) for p in task.space.parameters)
        children.add(tuple(child.values()))
        genetic.tell(number, [random.Random(number).random()], stopped=False)
    assert len(children) == 59


@pytest.mark.parametrize("name", [name for name in policy_names() if ":" not in name])
def test_every_policy_runs_and_repeats_itself(name: str) -> None:
    first, again, other = play(entry(name)), play(entry(name)), play(entry(name, seed=1))
    assert replace(first, cpu_s=0.0) == replace(again, cpu_s=0.0)
    assert first.regrets != other.regrets or first.epochs != other.epochs or name in ("ga", "defaults")
    assert first.trials > 3 or name == "defaults"
    assert first.regrets[-1] <= first.regrets[GRID // 4]
    assert 0.0 <= first.regrets[-1] < 1.0 or name == "defaults"


@pytest.mark.parametrize("name", ["F", "ga", "tpe-full", "automl"])
def test_some_policies_train_the_defaults_first(name: str) -> None:
    policy = open_policy(name, Line(), slots=1, budget_s=600.0, seed=3)
    trial = policy.next_trial(0.0)
    assert trial is not None
    assert trial.params == defaults(Line.space)


def test_e_asks_for_a_proposal_before_a_slot_is_free() -> None:
    rival = RIVALS["E"](Line(), 0)
    assert rival.next_trial(0.0) is not None
    assert len(rival._waiting) == 1


def test_a_share_of_a_dimension_and_its_value_agree() -> None:
    space = (
        Parameter("a", "log", 1.0, 0.1, 10.0),
        Parameter("b", "uniform", 1.0, -2.0, 6.0),
        Parameter("c", "choice", "x", choices=("x", "y", "z")),
    )
    for parameter, value in zip(space, (0.3, 5.0, "y"), strict=True):
        restored = at_share(parameter, share_of(parameter, value))
        assert restored == (value if parameter.kind == "choice" else pytest.approx(value))


def test_added_dimensions_change_nothing() -> None:
    padded = Padded(CurvesTask(1), 15)
    assert len(padded.space.parameters) == len(CurvesTask(1).space.parameters) + 15
    params = padded.space.arguments(flat(padded.space, random.Random(0)))
    assert padded.curve(params).best == CurvesTask(1).curve(params).best
    assert padded.curve({**params, "idle3": 0.0}).best == padded.curve(params).best


def test_speedup_counts_budget_until_the_peers_final_regret() -> None:
    slow = np.linspace(1.0, 0.5, GRID)
    fast = np.concatenate([np.linspace(1.0, 0.5, GRID // 2), np.full(GRID // 2, 0.4)])
    assert figures.speedup(fast, slow) == pytest.approx(2.0)
    assert figures.speedup(slow, slow) == figures.speedup(fast, fast) == 1.0
    assert figures.speedup(slow, fast) == pytest.approx(
        0.5
    )  # never reached: the share of the budget that the peer needed


def test_intervals_hold_the_mean_and_shrink_with_more_tasks() -> None:
    rng = np.random.default_rng(0)
    few, many = (rng.normal(0.5, 0.1, size=(tasks, 3, GRID)) for tasks in (3, 40))
    widths = []
    for curve in (few, many):
        finals = figures.resample({"a": curve}, 0)["a"][:, -1]
        low, high = np.quantile(finals, [0.05, 0.95])
        assert low < curve.mean(axis=(0, 1))[-1] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_the_command_prints_rows_and_reads_finished_runs_from_the_cache(tmp_path: Path) -> None:
    words = ["policies", "--policies", "E,F,random", "--families", "curves", "--tasks", "2", "--seeds", "2"]
    words += [
        "--trainings",
        "6",
        "--jobs",
        "1",
        "--cache",
        str(tmp_path),
        "--figure",
        str(tmp_path / "f.png"),
        "--json",
    ]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    rows = json.loads(first.stdout)["rows"]
    assert [(row["policy"], row["family"], row["slots"], row["budget"]) for row in rows] == [
        (name, "curves", 4, 6.0) for name in ("E", "F", "random")
    ]
    assert all(len(row["regret"]) == 3 and len(row["intervals"]["regret"]) == 3 for row in rows)
    assert rows[0]["speedup_vs_E"] == rows[1]["speedup_vs_F"] == 1.0
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert len(lines) == 2 + 3 * 4
    again = CliRunner().invoke(app, words)
    assert json.loads(again.stdout)["rows"] == rows
    assert (tmp_path / "results.jsonl").read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--policies", "E,nonsense", "unknown policy 'nonsense'"),
        ("--families", "lcbanch", "unknown family 'lcbanch'"),
        ("--families", "curves+x", "unknown family 'curves+x'"),
        ("--tasks", "40", "--tasks 40"),
        ("--seeds", "0", "--seeds 0"),
        ("--lcbench", "/nowhere", "there is no model.onnx"),
    ],
)
def test_a_wrong_option_ends_with_2_and_advice(option: str, value: str, text: str) -> None:
    result = CliRunner().invoke(app, ["policies", option, value])
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_family_without_its_files_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest.open_family.__globals__["lcbench"], "find", lambda folder: None)
    standing = contest.run(Contest(policies=("random",), families=("lcbench",), jobs=1))
    assert standing.results == []
    assert "--lcbench" in figures.captions(standing, figures.rows(standing))[-1]


def test_unknown_names_know_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Known: automl, automl:gp"):
        open_policy("nonsense", Line(), slots=1, budget_s=1.0, seed=0)
    with pytest.raises(AutoMLError, match="34 tasks"):
        contest.numbers("3-34")


def test_the_figure_names_its_bands_and_every_policy(tmp_path: Path) -> None:
    from benchmarks.policies.plot import draw

    options = Contest(policies=("automl", "F"), families=("yolo",), tasks="2", seeds=2)
    fields = {"family": "yolo", "trials": 9, "completed": 1, "epochs": 9, "wall_s": 1.0, "spent": 1.0, "cpu_s": 1.0}
    results = [
        Result(policy=policy, task=task, seed=seed, regrets=[0.5 + seed / 10] * GRID, **fields)
        for policy in options.policies
        for task in ("a", "b")
        for seed in (0, 1)
    ]
    draw(Standing(options, results), tmp_path / "out.svg")
    picture = (tmp_path / "out.svg").read_text()
    for word in ("bands: 90% interval of the mean, bootstrap", "automl", "F"):
        assert f"<!-- {word} -->" in picture


SAMPLING = """
from automl.sampler import SAMPLERS, open_sampler
from automl.space import SearchSpace
for name in SAMPLERS:
    open_sampler(name, SearchSpace.from_document({"parameters": {"x": {"uniform": [0, 1], "default": 0}}}), 0)
"""


@pytest.mark.parametrize(
    ("code", "files", "without"),
    [
        ("import benchmarks.policies.ours" + SAMPLING, contest.OUR_FILES, WORDS),
        ("import benchmarks.policies.rivals, benchmarks.policies.rivals_tpe", contest.PEER_FILES, SHAPES),
        ("import benchmarks.policies.race, benchmarks.policies.families", contest.TRACK_FILES, SHAPES),
    ],
)
def test_a_kept_result_depends_on_every_file_that_is_loaded(
    code: str, files: tuple[str, ...], without: frozenset[str]
) -> None:
    report = "\nimport sys; ours = ('automl.', 'benchmarks.')"
    report += "\nprint(*(sys.modules[name].__file__ for name in sys.modules if name.startswith(ours)))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    loaded = {Path(file).relative_to(ROOT).as_posix() for file in done.stdout.split()}
    assert "automl/space/parameters.py" in loaded
    assert loaded - without <= set(files)


def test_the_files_of_a_module_are_those_that_its_functions_import_too() -> None:
    peers, ours = set(contest.PEER_FILES), set(contest.OUR_FILES)
    rivals = {"benchmarks/policies/rivals_tpe.py", "benchmarks/policies/genetic.py"}
    assert rivals | {"automl/scores/halving.py"} <= peers
    assert {"automl/sampler/gp.py", "automl/sampler/__init__.py", "automl/records/trial.py"} <= ours
    assert {"benchmarks/policies/ours.py", "automl/scores/trust.py"} <= ours
    assert not {"automl/policy/search.py", "automl/records/trial.py", "automl/errors.py"} & peers
    assert not {"automl/setup/request.py", "automl/cli.py", "automl/errors.py"} & ours


def test_a_kept_result_is_not_used_once_automl_means_another_search(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("automl", "automl:gp", "F")
    before = [contest._key(entry(name)) for name in names]
    assert [contest._key(entry(name)) for name in names] == before
    monkeypatch.setattr(SearchRequest, "sampler", "tpe")
    assert [contest._key(entry(name)) == key for name, key in zip(names, before, strict=True)] == [False, True, True]
    monkeypatch.setattr(SearchRequest, "confirm", 5)
    assert [contest._key(entry(name)) == key for name, key in zip(names, before, strict=True)] == [False, False, True]
