"""Files and folders of other tools that are refused, each with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import AutoMLError
from automl.setup.foreign import read_source
from automl.trainers.ultralytics import schema
from tests.unit.setup.foreign import samples
from tests.unit.setup.foreign.test_reading import written

KNOWN = schema.defaults()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("evolve.csv", "", "evolve.csv: has no line below its header"),
        ("evolve.csv", "fitness,lr0\n0.5\n", "evolve.csv:2: has 1 columns where the header has 2"),
        ("evolve.csv", "fitness,lr0\n0.5,fast\n", "evolve.csv:2: 'lr0' is 'fast', not a number"),
        ("evolve.csv", "fitness,box\n0.5,inf\n", "evolve.csv:2: 'box' is inf, not a finite number"),
        ("evolve.csv", 'fitness,lr0\n0.5,"0,01"\n', "'lr0' is '0,01', not a number; write decimals with a point"),
        ("evolve.csv", "fitness;lr0\n0,5;0,01\n", "has no commas between its columns; save it as CSV with commas"),
        ("evolve.csv", "lr0,lr0\n1,2\n", "evolve.csv:1: names the column 'lr0' twice; keep one of them"),
        ("optuna.csv", ",params,params\n,lr0,box\n0,1,2\n", "write Optuna's table without multi_index"),
        ("t.csv", "run,loss\n1,2\n", "holds no recipe that could be tried; run and loss of t.csv are unknown"),
        ("t.csv", "fitness,lr0\nnan,0.1\n", "holds no recipe that could be tried"),
        (
            "hyp.yaml",
            "optimizer: auto\nlr0: 0.1\n",
            "could be tried; lr0 of hyp.yaml is not used: its optimizer is auto",
        ),
        ("hyp.yaml", "box: 0.05\n", "could be tried; box of hyp.yaml is left out: its meaning differs"),
        (
            "hyp.yaml",
            "epochs: 100\n",
            "could be tried; epochs of hyp.yaml is left to this search, which sets its own run",
        ),
        ("hyp.yaml", "obj: 1.0\n", "could be tried; obj of hyp.yaml is left out: only classic YOLOv5"),
        ("t.ndjson", '{"fitness": 1}\n', "t.ndjson:1: lacks the mapping 'hyperparameters'"),
        ("t.ndjson", '{"hyperparameters": {}, "fitness": 1}\n{\n', "t.ndjson:2: is not JSON"),
        ("t.ndjson", '{"hyperparameters": {"box": 7}}\n', "t.ndjson:1: 'fitness' is None, not a number"),
        ("t.json", "[1, 2]", "is not a mapping of hyperparameters"),
        ("t.json", "", "t.json: is empty"),
        (
            "result.json",
            '{"config": {"lr0": 1}}\n{"a": 1}\n',
            "result.json:2: lacks the mapping 'config' of Ray Tune's",
        ),
        ("experiment_state-1.json", "{}", "holds no trials that can be read; name the folder of the experiment"),
        ("hyp.yaml", "lr0: [1, 2]\n", "hyp.yaml: 'lr0' is [1, 2], not a number"),
        ("hyp.yaml", "- lr0\n", "hyp.yaml: is not a mapping of hyperparameters"),
        ("hyp.yaml", "", "hyp.yaml: is not a mapping of hyperparameters"),
        ("hyp.yaml", "lr0: 1\nbox: {7\n", "is not YAML"),
        ("hyp.yaml", "lr0: 1\nbox: 7\nlr0: 2\n", "hyp.yaml:3: names 'lr0' twice; keep one of them"),
        (
            "data.yaml",
            "train: images\nnames: [bird]\n",
            "holds no recipe: it describes a data set: name it with --data",
        ),
        ("yolo.yaml", "nc: 80\nbackbone: [[1]]\n", "it describes a network: name it with --models"),
        ("space.yaml", "parameters: {lr0: {log: [1, 2]}}\n", "it is a search space: name it with --space"),
        ("hyp.txt", "lr0: 1\n", "is of a kind that is not known; files end in .csv, .json, .ndjson"),
        ("evolve.txt", "0.1 0.2\n", "evolve.txt names no arguments: name the hyp.yaml or hyp_evolved.yaml beside it"),
        ("best.pt", "", "is a checkpoint: name it with --weights. Its recipe is the args.yaml of its run's folder"),
        ("study.db", "", "storage='sqlite:///study.db').trials_dataframe()"),
        ("evolve.csv.gz", "", "is compressed; unpack it first"),
        ("trials.xlsx", "", "is a spreadsheet; save it as CSV"),
        ("params.pkl", "", "is a pickle, which can run code when it is opened"),
        ("absent/hyp.yaml", None, "cannot be read (No such file or directory). Check the path"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_a_way_out(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        written(tmp_path, {name: text})
    with pytest.raises(AutoMLError) as caught:
        read_source(tmp_path / name, KNOWN)
    assert str(caught.value).startswith(f"--warm-start {tmp_path}")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("lr0,box\n0.1,7\n".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        ("größe\n1\n".encode("latin-1"), "is no text in UTF-8; save it as UTF-8"),
        (b"lr0\x00,box\n", "is no text in UTF-8"),
        (b"\x1f\x8b\x08", "is compressed; unpack it first"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "evolve.csv"
    file.write_bytes(content)
    with pytest.raises(AutoMLError, match=message):
        read_source(file, KNOWN)


def test_a_checkpoint_leads_to_the_arguments_of_its_run(tmp_path: Path) -> None:
    run = written(tmp_path / "train3", {"args.yaml": samples.ARGUMENTS, "weights/best.pt": ""})
    with pytest.raises(AutoMLError) as caught:
        read_source(run / "weights" / "best.pt", KNOWN)
    assert str(run / "args.yaml") in str(caught.value)


def test_the_advice_on_a_database_of_optuna_can_be_followed(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(storage=storage, direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("box", 4.0, 9.0), n_trials=2)
    table = optuna.load_study(study_name=None, storage=storage).trials_dataframe()
    table.to_csv(tmp_path / "trials.csv")
    assert len(read_source(tmp_path / "trials.csv", KNOWN).recipes) == 2
