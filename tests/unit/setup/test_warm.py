"""Finding earlier studies of the same data, and sources that the user names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from automl.data.dataset import fingerprint, read_dataset
from automl.errors import AutoMLError
from automl.records import EarlierTraining, Slots, StudySpec
from automl.setup import warm
from automl.setup.compiling import compile_spec
from automl.setup.options import SearchRequest
from automl.setup.request import Checked, check
from automl.setup.warm import with_earlier
from automl.space import SearchSpace
from automl.store.address import default_url
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study
from automl.terminal.options import assignments
from automl.trainers.surrogate import DEFAULTS
from automl.trainers.ultralytics import schema
from tests.builders.factories import make_prepared, make_search, make_spec, play
from tests.builders.requests import make_data

if TYPE_CHECKING:
    from sqlalchemy import Engine

KNOWN = schema.defaults()


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(default_url(tmp_path / "home"))
    yield opened
    opened.dispose()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    return make_data(tmp_path)


def request_on(data: Path, **changes: Any) -> Checked:
    options: dict[str, Any] = {"trainer": "surrogate", "epochs": 12, "recipe_only": True, "weights": "none"}
    request = SearchRequest(data=data, budgets=("200cpu-h",), **options)
    return check(replace(request, **changes), Slots(count=1, device="cpu"))


def trained(engine: Engine, folder: Path, data: Path, **changes: Any) -> StudySpec:
    """A stored study of the surrogate on that data."""
    spec = make_spec(**{"data_fingerprint": fingerprint(read_dataset(data)), "budgets": ("12trials",), **changes})
    return stored(engine, folder, spec)


def stored(engine: Engine, folder: Path, spec: StudySpec) -> StudySpec:
    """The study with its trials, whatever its trainer, trained by the surrogate."""
    played = play(spec, folder)
    begin_study(engine, spec, at=1e9, host="here", pid=1)
    recorder = Recorder(engine, spec.name)
    for number, row in played.record.trials.items():
        recorder.trial_started(
            played.search.runs[number].trial, at=row.started_at or 0.0, node=None, device=None, pid=None
        )
    for epoch in played.record.epochs:
        metrics = played_metrics(epoch)
        recorder.epoch(epoch.trial, 1, metrics, slot_s=epoch.slot_s, at=epoch.reported_at)
    for number, row in played.record.trials.items():
        outcome = played.search.runs[number].outcome
        assert outcome is not None
        recorder.trial_closed(number, outcome, slot_s=row.slot_s, at=row.ended_at or 0.0)
    recorder.close()
    return spec


def played_metrics(epoch: Any) -> Any:
    from tests.builders.factories import make_metrics

    return make_metrics(epoch.epoch, epoch.map50_95)


def compiled(checked: Checked) -> StudySpec:
    return compile_spec(checked, "new", Path("/runs"), make_prepared(defaults=dict(DEFAULTS)), 0.0)


def test_a_study_of_the_same_data_is_found_said_and_learnt_from(engine: Engine, tmp_path: Path, data: Path) -> None:
    trained(engine, tmp_path, data)
    checked = with_earlier(engine, request_on(data))
    assert checked.notes[-1] == (
        "Begins with results of earlier trials on the same data: 12 of 'birds' (switch off: --no-warm-start)."
    )
    spec = compiled(checked)
    assert [origin for origin, _ in spec.given] == ["defaults", "warm:birds"]
    assert len(spec.warm) == 12
    assert "The sampler begins with scores of the same training: 12 of birds." in spec.plan["notes"]
    assert {epochs for _, _, _, epochs in spec.warm} == {3, 9, 12}  # some were stopped at a rung
    best = max(spec.warm, key=lambda training: training[2])
    assert {**DEFAULTS, **best[1]} == {**DEFAULTS, **spec.given[1][1]}


@pytest.mark.parametrize(
    ("then", "now", "trainings"),
    [({}, {}, 12), ({"single_cls": True}, {}, 0), ({}, {"fraction": 0.5}, 0), ({"iou": 0.6}, {"iou": 0.6}, 12)],
)
def test_scores_of_trainings_with_other_fixed_arguments_are_not_told(
    engine: Engine, tmp_path: Path, data: Path, then: dict[str, Any], now: dict[str, Any], trainings: int
) -> None:
    prepared = make_prepared(defaults={**{k: KNOWN[k] for k in schema.tunable_keys()}, "optimizer": "SGD"})

    def spec_of(fixed: dict[str, Any], name: str) -> StudySpec:
        checked = with_earlier(engine, request_on(data, trainer="ultralytics", fixed=fixed, models=("yolov5n",)))
        return compile_spec(checked, name, Path("/runs"), prepared, 0.0)

    first = replace(spec_of(then, "first"), budgets=("12trials",), reserve_trials=0, early_end=False)
    stored(engine, tmp_path, first)
    assert len(spec_of(now, "second").warm) == trainings


def test_many_earlier_studies_are_said_in_one_line(engine: Engine, tmp_path: Path, data: Path) -> None:
    before = request_on(data).notes
    for name in ("birds", "more", "last"):
        trained(engine, tmp_path, data, name=name)
    [line] = with_earlier(engine, request_on(data)).notes[len(before) :]
    assert "12 of 'last', 12 of 'more', 12 of 'birds'" in line
    assert with_earlier(engine, request_on(data, reuse=False)).notes == before


def test_of_many_earlier_studies_the_best_are_begun_with(
    engine: Engine, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(engine, tmp_path, data, name="good")
    trained(engine, tmp_path, data, name="poor", budgets=("1trials",))
    monkeypatch.setattr(warm, "STUDIES", 1)
    assert "same data: 12 of 'good' (switch off" in with_earlier(engine, request_on(data)).notes[-1]


def test_another_search_on_other_data_or_at_another_length_is_not_taken_for_the_same(
    engine: Engine, tmp_path: Path, data: Path
) -> None:
    trained(engine, tmp_path, data, data_fingerprint="sha256:0")
    assert with_earlier(engine, request_on(data)).earlier == ()
    named = compiled(with_earlier(engine, request_on(data, warm_start=("birds",))))
    assert ({origin for origin, _ in named.given[1:]}, named.warm) == ({"warm:birds"}, ())
    trained(engine, tmp_path, data, name="short", epochs=9, rungs=(3,))
    longer = compiled(with_earlier(engine, request_on(data)))
    assert ({origin for origin, _ in longer.given[1:]}, longer.warm) == ({"warm:short"}, ())


def test_no_warm_start_looks_for_nothing(engine: Engine, tmp_path: Path, data: Path) -> None:
    trained(engine, tmp_path, data)
    assert with_earlier(engine, request_on(data, reuse=False)).earlier == ()


def test_a_named_study_counts_once(engine: Engine, tmp_path: Path, data: Path) -> None:
    trained(engine, tmp_path, data)
    checked = with_earlier(engine, request_on(data, warm_start=("birds",)))
    assert len(checked.earlier) == 12


def test_a_name_that_is_neither_file_nor_study_is_refused(engine: Engine, tmp_path: Path, data: Path) -> None:
    trained(engine, tmp_path, data)
    with pytest.raises(
        AutoMLError, match=r"--warm-start bird: no such file or folder, and unknown study 'bird'\. Did you mean birds"
    ):
        with_earlier(engine, request_on(data, warm_start=("bird",)))
    with pytest.raises(AutoMLError, match=r"--warm-start absent\.csv: cannot be read"):
        with_earlier(engine, request_on(data, warm_start=("absent.csv",)))


def test_a_study_of_another_trainer_is_refused(engine: Engine, tmp_path: Path, data: Path) -> None:
    trained(engine, tmp_path, data)
    checked = request_on(data, trainer="ultralytics", warm_start=("birds",))
    with pytest.raises(AutoMLError, match="that study's trainer is surrogate, this one's ultralytics"):
        with_earlier(engine, checked)


def test_a_file_gives_recipes_and_no_scores(engine: Engine, tmp_path: Path, data: Path) -> None:
    file = written(tmp_path, "hyp.yaml", "lr0: 0.005\nx0: 0.7\n")
    spec = compiled(with_earlier(engine, request_on(data, warm_start=(str(file),))))
    assert spec.given[1] == ("warm:hyp.yaml", {**DEFAULTS, "lr0": 0.005, "x0": 0.7})
    assert spec.warm == ()


def test_what_was_read_of_a_file_is_in_the_plan(engine: Engine, tmp_path: Path, data: Path) -> None:
    file = written(tmp_path, "hyp.yaml", "lr0: 0.005\nx9: 0.7\n")
    spec = compiled(with_earlier(engine, request_on(data, warm_start=(str(file),))))
    assert list(spec.plan["notes"])[:3] == [
        "hyp.yaml, a recipe: lr0 is read.",
        "x9 of hyp.yaml is unknown to the trainer and left out.",
        "Tried again from earlier trainings: warm:hyp.yaml.",
    ]


def test_files_of_one_name_are_two_sources(engine: Engine, tmp_path: Path, data: Path) -> None:
    files = []
    for run, rate in (("train", 0.005), ("train2", 0.02)):
        (tmp_path / run).mkdir()
        files.append(str(written(tmp_path / run, "args.yaml", f"lr0: {rate}\n")))
    checked = with_earlier(engine, request_on(data, warm_start=(*files, files[0], str(tmp_path / "train"))))
    assert [training.source for training in checked.earlier] == ["train/args.yaml", "train2/args.yaml", "train"]


def test_a_study_comes_before_a_folder_of_its_name(
    engine: Engine, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(engine, tmp_path, data)
    (tmp_path / "place" / "birds").mkdir(parents=True)
    written(tmp_path / "place" / "birds", "args.yaml", "lr0: 0.02\n")
    monkeypatch.chdir(tmp_path / "place")
    assert len(with_earlier(engine, request_on(data, warm_start=("birds",))).earlier) == 12
    assert len(with_earlier(engine, request_on(data, warm_start=("./birds",), reuse=False)).earlier) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("postgresql://me:geheim@host/optuna", "postgresql://…: databases are not read"),
        ("sqlite:///study.db", "sqlite://…: databases are not read"),
        ("https://me:geheim@host/hyp.yaml", "https://…: nothing is downloaded"),
    ],
)
def test_an_address_is_refused_without_its_password(engine: Engine, data: Path, source: str, message: str) -> None:
    with pytest.raises(AutoMLError) as caught:
        with_earlier(engine, request_on(data, warm_start=(source,)))
    assert message in str(caught.value)
    assert "geheim" not in str(caught.value)


TUNING = "fitness,lr0,box\n0.4,0.0009,8.0\n0.5,0.0004,9.5\n"


def planned(engine: Engine, data: Path, file: Path, **changes: Any) -> StudySpec:
    """Study of Ultralytics' trainer whose defaults are SGD's, unless the request names an optimizer."""
    checked = request_on(
        data, trainer="ultralytics", models=("yolov5n",), warm_start=(str(file),), portfolio=False, **changes
    )
    optimizer = str(checked.fixed.get("optimizer", "SGD"))
    rates = {"optimizer": optimizer, "lr0": 0.01 if optimizer == "SGD" else 0.001}
    prepared = make_prepared(defaults={**{key: KNOWN[key] for key in schema.tunable_keys()}, **rates})
    return compile_spec(with_earlier(engine, checked), "new", Path("/runs"), prepared, 0.0)


def test_a_rate_is_taken_with_the_optimizer_that_the_search_names(engine: Engine, tmp_path: Path, data: Path) -> None:
    file = written(tmp_path, "tune_results.csv", TUNING)
    spec = planned(engine, data, file, fixed={"optimizer": "AdamW"})
    assert (spec.given[1][1]["lr0"], spec.given[1][1]["box"]) == (0.0004, 9.5)


def test_the_advice_on_a_rate_without_an_optimizer_works_as_it_stands(
    engine: Engine, tmp_path: Path, data: Path
) -> None:
    file = written(tmp_path, "tune_results.csv", TUNING)
    spec = planned(engine, data, file)
    assert (spec.given[1][1]["lr0"], spec.given[1][1]["box"]) == (0.01, 9.5)
    (note,) = [note for note in spec.plan["notes"] if note.startswith("lr0 0.0004")]
    assert note.startswith("lr0 0.0004 of tune_results.csv is not tried: tune_results.csv names no optimizer")
    advice = re.search(r"--set (\S+=\w+)", note)
    assert advice is not None
    followed = planned(engine, data, file, fixed=assignments([advice[1]]))
    assert followed.given[1][1]["lr0"] == 0.0004


def test_a_space_that_fixes_the_optimizer_takes_the_rate(engine: Engine, tmp_path: Path, data: Path) -> None:
    space = written(
        tmp_path,
        "space.yaml",
        "fixed:\n  optimizer: AdamW\nparameters:\n  lr0: {log: [0.0001, 0.01], default: 0.001}\n"
        "  box: {log: [4.0, 14.0], default: 7.5}\n",
    )
    spec = planned(engine, data, written(tmp_path, "tune_results.csv", TUNING), space=space)
    assert spec.given[1][1]["lr0"] == 0.0004


def test_values_beyond_the_space_are_said_in_the_plan(engine: Engine, tmp_path: Path, data: Path) -> None:
    file = written(tmp_path, "hyp.yaml", "optimizer: AdamW\nlr0: 0.5\nbox: 70\ndfl: 1.6\nsingle_cls: true\namp: true\n")
    notes = planned(engine, data, file).plan["notes"]
    assert (
        "lr0 0.5 and box 70.0 of hyp.yaml are beyond their searched ranges and become their ends, 0.005 and 14.0."
        in notes
    )
    assert "single_cls True of hyp.yaml is not tried: the search space does not hold it." in notes


def test_a_warm_search_proposes_from_what_was_learnt_and_a_resumed_one_alike() -> None:
    space = SearchSpace.from_document(make_spec().space)
    trainings = tuple(
        EarlierTraining("birds", {**DEFAULTS, "x0": 0.95, "x1": place / 40}, 0.9 + place / 1000, 12)
        for place in range(20)
    )
    warm = make_spec(sampler="evolve", warm=trainings, given=())
    again = StudySpec.from_dict(json.loads(json.dumps(warm.to_dict())))
    assert again == warm
    first, second = make_search(warm), make_search(again)
    proposed = [search._proposals.next(number, number).params for search in (first, second) for number in range(5)]
    assert proposed[:5] == proposed[5:]
    assert min(float(values["x0"] or 0.0) for values in proposed) > 0.6
    assert {p.name for p in space.parameters} == set(proposed[0])


def test_a_search_without_the_test_split_knows_a_study_with_it_and_the_other_way_round(
    engine: Engine, tmp_path: Path, data: Path
) -> None:
    for kind in ("images", "labels"):
        shutil.copytree(tmp_path / kind / "val", tmp_path / kind / "test")
    data.write_text(data.read_text() + "test: images/test\n")
    for name, test in (("with", True), ("alone", False)):
        digest = fingerprint(read_dataset(data, test=test))
        spec = make_spec(name=name, data=str(data), data_fingerprint=digest, budgets=("12trials",))
        stored(engine, tmp_path, spec)
    for test in (True, False):
        sources = {training.source for training in with_earlier(engine, request_on(data, test=test)).earlier}
        assert sources == {"with", "alone"}
