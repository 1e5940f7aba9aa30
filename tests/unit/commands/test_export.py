"""The command `export`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from automl.cli import app
from automl.store.engine import open_store
from tests.builders.factories import make_spec
from tests.builders.pages import Filler, curve


@pytest.mark.parametrize("form", ["ultralytics", "json"])
@pytest.mark.parametrize("there", [True, False])
def test_a_data_set_that_is_not_here_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, there: bool
) -> None:
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path))
    monkeypatch.delenv("AUTOML_DB", raising=False)
    data = tmp_path / "data.yaml"
    if there:
        data.write_text("train: a\nval: b\nnames: [cat]\n")
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    fixed = {"model": "yolov5n", "imgsz": 64, "lr0": 0.01}
    filler = Filler(engine, make_spec(trainer="ultralytics", fixed=fixed, data=str(data)))
    filler.trial(0, curve(0.4))
    filler.close()
    engine.dispose()
    done = CliRunner().invoke(app, ["export", "birds", "-o", str(tmp_path / "hyp.yaml"), "--format", form])
    assert done.exit_code == 0, done.output
    assert (f"Its data set, {data}, is not here: add data=FILE to the command" in done.stdout) is not there
