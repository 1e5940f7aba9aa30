"""A search from its first word to its leaderboard, as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl.records import StudyState, TrialState
from tests.builders.cli import ONE_SLOT, Place
from tests.builders.searches import BUDGET_S, NAME, Searched
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
STRANGERS = ("ray", "raylet", "tune", "Ultralytics", "WARNING", "Warning", "it/s", "Traceback")


def printed(place: Place, *words: str) -> Any:
    """What a command prints as JSON."""
    done = place.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_search_ends_with_its_leaderboard_and_the_way_on(searched: Searched) -> None:
    text = searched.done.stdout
    assert searched.done.returncode == 0
    assert f"{NAME}: best trials on val" in text
    assert "defaults" in text
    assert "Trials: 5 completed. Ended: 5 trials have begun." in text
    assert f"(budget {BUDGET_S}cpu-s / 5trials)" in text
    assert "Wrote hyp.yaml. Train it with: yolo detect train cfg=hyp.yaml\n" in text
    assert "The defaults to compare with: hyp-defaults.yaml\n" in text
    assert (searched.place.folder / "hyp-defaults.yaml").is_file()
    assert text.index(f"{NAME}: the answer") < text.index(f"{NAME}: best trials on val")


def test_nothing_of_the_engines_reaches_the_terminal(searched: Searched) -> None:
    assert searched.done.stderr == ""
    assert not [word for word in STRANGERS if word in searched.done.stdout]


def test_the_budget_is_kept_and_the_ledger_adds_up(searched: Searched) -> None:
    report = printed(searched.place, "show", NAME, "--json", "--curves")
    slowest_s = max(epoch["train_s"] + epoch["val_s"] for epoch in report["epochs"])
    assert sum(report["spent_s"].values()) == pytest.approx(report["study"]["slot_s"], abs=0.01)
    assert set(report["spent_s"]) == {"probe", "baseline", "search"}
    assert report["study"]["slot_s"] <= BUDGET_S + slowest_s
    attempts = [a for trial in range(5) for a in searched.place.attempts(NAME, trial)]
    assert sum(a.slot_s for a in attempts) + report["spent_s"]["probe"] == pytest.approx(report["study"]["slot_s"])


def test_shown_trials_come_with_gain_and_what_was_applied(searched: Searched) -> None:
    report = printed(searched.place, "show", NAME, "--json")
    assert "epochs" not in report
    assert [trial["number"] for trial in report["trials"]] != []
    for trial in report["trials"]:
        assert trial["gain"] == pytest.approx(trial["score"] - report["baseline"]["score"])
        assert trial["applied"]["box"] == 6.5
        assert {**trial["applied"], **trial["params"]} == trial["applied"]
        assert trial["seed"] == 5


def test_the_first_trial_is_the_baseline_and_five_trainings_leave_no_room_for_a_portfolio(searched: Searched) -> None:
    rows = searched.place.trials(NAME)
    assert [row.origin for row in rows] == ["defaults", "gp", "gp", "gp", "gp"]
    assert len({json.dumps(dict(row.params), sort_keys=True) for row in rows}) == 5


def test_the_list_of_studies_and_the_status_are_json_too(searched: Searched) -> None:
    rows = printed(searched.place, "studies", "--json")
    status = printed(searched.place, "status", "--json")
    assert [(row["name"], row["state"], row["trials"]) for row in rows] == [(NAME, "finished", 5)]
    assert status["study"]["name"] == NAME
    assert (status["alive"], status["running"], status["share_spent"]) == (False, [], 1.0)


@pytest.mark.parametrize("verb", ["show", "status", "studies"])
def test_every_view_names_the_study(searched: Searched, verb: str) -> None:
    done = searched.place.run(verb)
    assert (done.returncode, done.stderr) == (0, "")
    assert NAME in done.stdout


def test_every_event_is_a_line_of_json(searched: Searched) -> None:
    lines = (searched.place.folder / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["kind"] for event in events]
    assert {"note", "probed"} < set(kinds)
    assert (kinds.count("trial_started"), kinds.count("epoch"), kinds.count("trial_ended")) == (5, 20, 5)
    times = [event["at_s"] for event in events]
    assert times == sorted(times)


def test_a_trial_is_exported_by_its_number_and_in_every_format(searched: Searched) -> None:
    place = searched.place
    assert place.run("export", NAME, "--trial", "3", "-o", "made/three.yaml").returncode == 0
    assert place.run("export", NAME, "--trial", "3", "-o", "three.json", "--format", "json").returncode == 0
    recipe = yaml.safe_load((place.folder / "made" / "three.yaml").read_text())
    document = json.loads((place.folder / "three.json").read_text())
    assert document["arguments"] == recipe
    assert document["facts"]["trial"].startswith("3 (gp)")
    wanted = place.trials(NAME)[3].applied or {}
    assert {key: recipe[key] for key in ("lr0", "optimizer", "mosaic")} == {
        key: wanted[key] for key in ("lr0", "optimizer", "mosaic")
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--trial", "77"), "unknown trial '77'"), (("--format", "toml"), "unknown format 'toml'. Known: ultralytics")],
)
def test_an_export_of_what_is_not_there_is_refused(searched: Searched, words: tuple[str, ...], told: str) -> None:
    done = searched.place.run("export", NAME, "-o", "none.yaml", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (searched.place.folder / "none.yaml").exists()


def test_weights_and_logs_of_the_best_trials_stay_and_nothing_else(searched: Searched) -> None:
    folder = searched.place.home / "studies" / NAME / "trials"
    assert sorted(path.name for path in folder.iterdir()) == [f"{number:05d}" for number in range(5)]
    for trial in folder.iterdir():
        assert {"best.pt", "last.pt", "log.txt"} <= {path.name for path in trial.iterdir()}
        assert not (trial / "snapshot.pt").exists()


# -- the surrogate trains nothing: the same commands in a few seconds --------------------------------

QUICK = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "9", *ONE_SLOT, "--budget", "30trials")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    draw_data(tmp_path, train=2, val=1)
    return Place(tmp_path)


def test_with_json_the_report_is_all_that_stdout_has(place: Place) -> None:
    done = place.run(*QUICK, "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert (report["study"]["state"], len(report["trials"]), report["interrupted"]) == ("finished", 30, False)
    assert "Probing" in done.stderr


def test_quiet_prints_the_result_alone_and_two_slots_train_side_by_side(place: Place) -> None:
    words = [word if word != "1" else "2" for word in QUICK]
    done = place.run(*words, "--quiet")
    name = f"{place.folder.name}-1"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{name}: the answer")
    assert f"{name}: best trials on val" in done.stdout
    rows = place.trials(name)
    assert len(rows) == 30
    assert any(a.started_at < b.started_at < a.ended_at for a in rows for b in rows if a.ended_at and b.started_at)


def test_a_second_search_begins_with_what_files_and_the_first_one_found(place: Place) -> None:
    short = [word if word != "30trials" else "12trials" for word in QUICK]
    assert place.run(*short, "--name", "first").returncode == 0
    (place.folder / "hyp.yaml").write_text("lr0: 0.004\nx0: 0.7\n")
    done = place.run(*short, "--name", "second", "--sampler", "evolve", "--warm-start", "hyp.yaml")
    assert done.returncode == 0
    assert "earlier trials on the same data: 10 of 'first'" in done.stdout
    assert "The sampler begins with scores of the same training: 10 of first." in done.stdout
    origins = [row.origin for row in place.trials("second")]
    assert origins[:2] == ["defaults", "warm:hyp.yaml"]  # one for each full ten trainings
    assert set(origins[2:]) - {"confirmation"} == {"evolve"}


@pytest.mark.postgres
def test_a_study_lives_in_postgres_as_well(tmp_path: Path, postgres_url: str) -> None:
    draw_data(tmp_path, train=2, val=1)
    place = Place(tmp_path, {"AUTOML_DB": postgres_url})
    done = place.run(*QUICK, "--name", "served")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (place.home / "automl.db").exists()
    assert (place.study("served").state, len(place.trials("served"))) == (StudyState.FINISHED, 30)
    assert printed(place, "show", "--json")["study"]["name"] == "served"


def test_python_has_the_same_words(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from automl import export, resume, search
    from automl.errors import AutoMLError

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    heard: list[str] = []
    report = search(
        place.folder / "data.yaml",
        "20trials",
        trainer="surrogate",
        epochs=9,
        device="cpu",
        slots=1,
        home=place.home,
        listener=lambda notice: heard.append(notice.kind),
    )
    assert report.best is not None
    assert report.best.state in (TrialState.COMPLETED, TrialState.STOPPED)
    assert len(report.trials) == heard.count("trial_ended") == 20
    name = report.study.name
    with pytest.raises(AutoMLError, match="Nothing is left to resume"):
        resume(name, home=place.home)
    with pytest.raises(AutoMLError, match="trains no network, so its trials have no recipe"):
        export(name, place.folder / "hyp.yaml", home=place.home)
