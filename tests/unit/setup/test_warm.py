"""Reading what other tools left, and finding earlier studies of the same data."""

from __future__ import annotations

import json
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
from automl.setup.warm import read_file, with_earlier
from automl.space import SearchSpace
from automl.store.address import default_url
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study
from automl.trainers.surrogate import DEFAULTS
from automl.trainers.ultralytics import schema
from tests.builders.data_folder import image_bytes
from tests.builders.factories import make_prepared, make_search, make_spec, play

if TYPE_CHECKING:
    from sqlalchemy import Engine

KNOWN = schema.defaults()
EVOLVE = """\
   metrics/precision,      metrics/recall,     metrics/mAP_0.5,metrics/mAP_0.5:0.95,        val/box_loss,        val/obj_loss,        val/cls_loss,                 lr0,            momentum,                 box,                 cls,              cls_pw,                 obj,            anchor_t,               hsv_h,             anchors
              0.5123,              0.4012,             0.41234,              0.2134,            0.045123,             0.03012,            0.012345,                0.01,               0.937,                0.05,                 0.5,                   1,                   1,                   4,               0.015,                   3
             0.53991,             0.41777,             0.43011,             0.22456,            0.044101,            0.029811,            0.011982,             0.00812,             0.94512,             0.04411,             0.52301,             0.97001,              1.0893,              3.7721,             0.01622,              2.8812
                 nan,                   0,                   0,                 nan,                 nan,                 nan,                 nan,                 0.1,                 0.98,                 0.2,                   4,                   2,                   4,                   2,                 0.1,                   3
"""
NDJSON = """\
{"iteration": 1, "fitness": 0.31, "hyperparameters": {"lr0": 0.01, "box": 7.5, "close_mosaic": 10}, "datasets": {"a": {"fitness": 0.31}}}
{"iteration": 2, "fitness": 0.0, "hyperparameters": {"lr0": 0.02, "box": 19.0, "close_mosaic": 3}, "datasets": {"a": {"fitness": 0.0}}, "failed_datasets": ["a"]}
{"iteration": 3, "fitness": 0.33, "hyperparameters": {"lr0": 0.008, "box": 8.25, "close_mosaic": 7}, "datasets": {"a": {"fitness": 0.33}}}
"""


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_an_evolution_of_yolov5_is_read_on_ultralytics_scale(tmp_path: Path) -> None:
    (first, second), notes = read_file(written(tmp_path, "evolve.csv", EVOLVE), KNOWN)
    assert (first.source, first.score, first.epochs) == ("evolve.csv", 0.2134, None)
    assert first.params == {"optimizer": "SGD", "lr0": 0.01, "momentum": 0.937, "box": 7.5, "cls": 0.5, "hsv_h": 0.015}
    assert (second.score, second.params["box"]) == (0.22456, pytest.approx(6.6165))
    assert notes == [
        "cls_pw, obj, anchor_t and anchors of evolve.csv are left out: only classic YOLOv5 has such arguments."
    ]


def test_a_tuning_of_ultralytics_is_read_without_its_failures(tmp_path: Path) -> None:
    recipes, notes = read_file(written(tmp_path, "tune_results.ndjson", NDJSON), KNOWN)
    assert [(recipe.score, dict(recipe.params)) for recipe in recipes] == [
        (0.31, {"box": 7.5, "close_mosaic": 10}),
        (0.33, {"box": 8.25, "close_mosaic": 7}),
    ]
    assert notes == [
        "lr0 of tune_results.ndjson is not used: the file names no optimizer, and auto would ignore it; "
        "write the recipe as YAML with optimizer: SGD."
    ]


def test_an_older_tuning_of_ultralytics_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "tune_results.csv", "fitness,lr0,box\n0.5,0.01,7.5\n\n0.6,0.02,8\n")
    assert [(recipe.score, dict(recipe.params)) for recipe in read_file(file, KNOWN)[0]] == [
        (0.5, {"box": 7.5}),
        (0.6, {"box": 8.0}),
    ]


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("lr0: 0.01\nbox: 0.05\nobj: 0.7\nanchor_t: 4.0\ncls_pw: 1.0\n", {"optimizer": "SGD", "lr0": 0.01, "box": 7.5}),
        ("lr0: 0.004\nbox: 7.0\ncls_pw: 0.2\n", {"box": 7.0, "cls_pw": 0.2}),
        (
            "optimizer: AdamW\nlr0: 4e-4\nbox: 7.0\nmodel: yolov5n.yaml\nimgsz: 64\ndata: x.yaml\n",
            {"optimizer": "AdamW", "lr0": 0.0004, "box": 7.0},
        ),
        ("optimizer: auto\nlr0: 0.004\nmosaic: 1\ncos_lr: true\n", {"mosaic": 1.0, "cos_lr": True}),
    ],
)
def test_a_recipe_of_either_schema_is_read(tmp_path: Path, text: str, params: dict[str, Any]) -> None:
    (recipe,), _ = read_file(written(tmp_path, "hyp.yaml", text), KNOWN)
    assert (dict(recipe.params), recipe.score) == (params, None)


BY_AUTO = "are not used: the file names no optimizer, and auto would ignore them; add optimizer: SGD"


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("box: 7.0\nepochs: 100\nimgsz: 64\nmodel: yolov5n.yaml\noverlap_mask: true\nproject: null\n", []),
        ("lr0: 0.004\nbox: 7.0\nmomentum: 0.9\n", [f"lr0 and momentum of hyp.yaml {BY_AUTO}."]),
        (
            "optimizer: auto\nbox: 7.0\nwarmup_bias_lr: 0.1\n",
            [
                "warmup_bias_lr of hyp.yaml is not used: the file's optimizer is auto, which ignores it; "
                "name one, as in optimizer: SGD."
            ],
        ),
        ("optimizer: SGD\nlr0: 0.004\nfoo: [1, 2]\n", ["foo of hyp.yaml is unknown to the trainer and left out."]),
        (
            "box: 7.0\na: 1\nlr0: 0.1\nb: 1\n",
            [
                "lr0 of hyp.yaml is not used: the file names no optimizer, and auto would ignore it; add optimizer: SGD.",
                "a and b of hyp.yaml are unknown to the trainer and left out.",
            ],
        ),
        (
            "box: 0.05\nlr0: 0.01\ncls_pw: 1.0\nobj: 1.0\n",
            ["cls_pw and obj of hyp.yaml are left out: only classic YOLOv5 has such arguments."],
        ),
    ],
)
def test_what_a_file_holds_and_is_not_used_is_said(tmp_path: Path, text: str, notes: list[str]) -> None:
    assert read_file(written(tmp_path, "hyp.yaml", text), KNOWN)[1] == notes


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("evolve.csv", "", "evolve.csv: has no line below its header"),
        ("evolve.csv", "fitness,lr0\n0.5\n", "evolve.csv:2: has 1 columns where the header has 2"),
        ("evolve.csv", "fitness,lr0\n0.5,fast\n", "evolve.csv:2: 'lr0' is 'fast', not a number"),
        ("evolve.csv", "fitness,box\n0.5,inf\n", "evolve.csv:2: 'box' is inf, not a finite number"),
        (
            "evolve.csv",
            "epoch,loss\n1,2\n",
            "holds no recipe that could be tried; epoch and loss of evolve.csv are unknown",
        ),
        ("hyp.yaml", "lr0: 0.1\nmomentum: 0.9\n", f"could be tried; lr0 and momentum of hyp.yaml {BY_AUTO}. A recipe"),
        (
            "hyp.yaml",
            "epochs: 100\n",
            "hyp.yaml: holds no recipe that could be tried. A recipe holds arguments such as",
        ),
        ("t.ndjson", '{"fitness": 1}\n', "t.ndjson:1: lacks the mapping 'hyperparameters'"),
        ("t.ndjson", "\n{\n", "t.ndjson:2: is not JSON"),
        ("t.ndjson", '{"hyperparameters": {"box": 7}}\n', "t.ndjson:1: 'fitness' is None, not a number"),
        ("hyp.yaml", "lr0: [1, 2]\n", "hyp.yaml: 'lr0' is [1, 2], not a number"),
        ("hyp.yaml", "- lr0\n", "hyp.yaml: is not a mapping of hyperparameters"),
        ("hyp.yaml", "lr0: 1\nbox: {7\n", "is not YAML"),
        ("hyp.yaml", "lr0: 1\nbox: 7\nlr0: 2\n", "hyp.yaml:3: names 'lr0' twice; keep one of them"),
        ("hyp.yaml", "names: [bird]\n", "hyp.yaml: holds no recipe"),
        ("hyp.txt", "lr0: 1\n", "is of a kind that is not known; files end in .csv, .ndjson"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    file = written(tmp_path, name, text)
    with pytest.raises(AutoMLError) as caught:
        read_file(file, KNOWN)
    assert str(caught.value).startswith(f"--warm-start {tmp_path}")
    assert message in str(caught.value)


# -- studies of the same store ---------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_store(default_url(tmp_path / "home"))
    yield opened
    opened.dispose()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        (tmp_path / "images" / split / f"{split}.jpg").write_bytes(image_bytes())
        (tmp_path / "labels" / split / f"{split}.txt").write_text("0 0.5 0.5 0.05 0.05\n")
    return written(tmp_path, "data.yaml", "train: images/train\nval: images/val\nnames: [bird]\n")


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
    with pytest.raises(AutoMLError, match=r"--warm-start bird: no such file, and unknown study 'bird'\. Known: birds"):
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


def test_what_of_a_named_file_is_not_used_is_among_the_notes(engine: Engine, tmp_path: Path, data: Path) -> None:
    file = written(tmp_path, "hyp.yaml", "lr0: 0.005\nx9: 0.7\n")
    checked = with_earlier(engine, request_on(data, warm_start=(str(file),)))
    assert checked.notes[-1] == "x9 of hyp.yaml is unknown to the trainer and left out."


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
    proposed = [search._proposals.next(number).params for search in (first, second) for number in range(5)]
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
