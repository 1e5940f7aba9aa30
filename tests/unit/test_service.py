"""Python API: forms of arguments that callers may write."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import automl
from automl import results, service
from automl.cli import app
from automl.errors import AutoMLError
from automl.setup.options import OTHERS, SearchOptions, SearchRequest, request_of
from automl.store.address import default_url
from automl.store.engine import open_store
from tests.builders.factories import make_spec
from tests.builders.pages import Filler


def test_paths_and_lists_may_be_written_as_they_come() -> None:
    request = request_of(
        "a.yaml", "1cpu-h", weights=Path("w.pt"), models=[Path("yolov5n")], imgsz=(64,), warm_start=[Path("hyp.yaml")]
    )
    assert request == SearchRequest(
        data=Path("a.yaml"),
        budgets=("1cpu-h",),
        weights="w.pt",
        models=("yolov5n",),
        imgsz=(64,),
        warm_start=("hyp.yaml",),
    )


VERBS = [name for name in automl.__all__ if not name.startswith("__")]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_imported_from_the_package(verb: str) -> None:
    home = results if hasattr(results, verb) else service
    assert getattr(automl, verb) is getattr(home, verb)
    assert callable(getattr(automl, verb))


def test_every_command_that_works_on_studies_is_a_verb() -> None:
    others = {"attach", "dashboard", "predictors", "bench", "version"}  # a program has its listener
    commands = {str(command.callback and command.callback.__name__) for command in app.registered_commands}
    assert commands - others <= set(VERBS)


def test_completion_lists_the_verbs_and_no_module_of_ours() -> None:
    assert [name for name in dir(automl) if not name.startswith("__")] == sorted(VERBS)


def test_a_misspelt_verb_has_a_close_match() -> None:
    program = "import automl; automl.serach"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("has no attribute 'serach'. Did you mean: 'search'?")


@pytest.mark.parametrize("option", [*SearchOptions.__annotations__, *OTHERS])
def test_the_help_of_search_has_every_option_with_its_meaning(option: str) -> None:
    assert re.search(rf"^ {{8}}{option} +\S+ \S", str(service.search.__doc__), flags=re.MULTILINE)


def test_the_help_of_search_has_no_other_option() -> None:
    names = re.findall(r"^ {8}(\w+)  ", str(service.search.__doc__), flags=re.MULTILINE)
    assert sorted(names) == sorted([*SearchOptions.__annotations__, *OTHERS])


@pytest.mark.parametrize("verb", ["search", "dry_run", "resume", "confirm"])
def test_verbs_that_train_have_progress_and_a_listener(verb: str) -> None:
    parameters = inspect.signature(getattr(automl, verb)).parameters
    assert parameters["progress"].default is None
    assert "listener" in parameters


def test_none_stands_for_what_is_left_out() -> None:
    left_out = dict.fromkeys(("weights", "space", "fixed", "epochs", "device", "models"))
    assert request_of("a.yaml", ["1cpu-h", "9trials"], **left_out) == request_of(Path("a.yaml"), ("1cpu-h", "9trials"))


@pytest.mark.parametrize("flag", ["models", "imgsz"])
def test_an_empty_list_is_refused_and_not_taken_for_none(flag: str) -> None:
    with pytest.raises(AutoMLError, match=f"--{flag} is empty: name what is searched, .* or leave it out"):
        request_of("a.yaml", "1cpu-h", **{flag: []})
    result = CliRunner().invoke(app, ["search", "--data", "a.yaml", "--budget", "1cpu-h", f"--{flag}", ", "])
    assert (result.exit_code, f"--{flag} is empty" in result.stderr) == (2, True)


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_leaderboard_without_rows_is_refused(limit: str) -> None:
    result = CliRunner().invoke(app, ["show", "--limit", limit])
    assert (result.exit_code, result.stderr) == (2, f"automl: --limit {limit} is no leaderboard. Use 1 row or more.\n")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """The home of a study in which trial 1 beats the defaults by far."""
    fixed = {"model": "yolov5n", "imgsz": 64, "lr0": 0.01}
    spec = make_spec(trainer="ultralytics", fixed=fixed, train=90, directory=str(tmp_path / "study"))
    engine = open_store(default_url(tmp_path))
    filler = Filler(engine, spec)
    filler.trial(0, [0.4] * 12, params={"lr0": 0.01})
    filler.trial(1, [0.6] * 12, params={"lr0": 0.02})
    filler.close()
    engine.dispose()
    return tmp_path


@pytest.mark.parametrize(("name", "beside"), [("hyp.yaml", "hyp-defaults.yaml"), ("my.json", "my-defaults.json")])
def test_an_export_writes_the_defaults_beside_the_winner(finished: Path, name: str, beside: str) -> None:
    style = "json" if name.endswith("json") else "ultralytics"
    file = service.export("birds", finished / name, home=finished, format=style)
    assert file == finished / name
    documents = [yaml.safe_load((finished / each).read_text()) for each in (name, beside)]
    recipes = [document.get("arguments", document) for document in documents]
    assert [recipe["lr0"] for recipe in recipes] == [0.02, 0.01]
    assert [(recipe["epochs"], recipe["patience"]) for recipe in recipes] == [(90, 50)] * 2
    again = service.export("birds", finished / name, home=finished, format=style, epochs=40)
    text = (finished / beside).read_text()
    assert again == file
    assert "trial 1 is handed over" in text
    assert "40" in text


@pytest.mark.parametrize("name", ["my dir/hyp.yaml", "it's (1) [x].yaml", "-größe=1.yml", 'a "b" $HOME.yaml'])
def test_the_commands_of_an_export_are_quoted(
    finished: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("AUTOML_HOME", str(finished))
    file = tmp_path / name
    result = CliRunner().invoke(app, ["export", "birds", f"--output={file}"])
    assert result.exit_code == 0, result.output
    first, second, *_ = result.stdout.splitlines()
    words = ["yolo", "detect", "train", f"cfg={file}"]
    assert shlex.split(first.partition("Train it with: ")[2]) == words
    assert Path(second.removeprefix("The defaults to compare with: ")).is_file()
    assert shlex.split(file.read_text().splitlines()[1].removeprefix("#")) == words


@pytest.mark.parametrize("name", ["recipe", "hyp.json", "a [1.yaml"])
def test_a_recipe_that_yolo_could_not_read_is_not_written(finished: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(AutoMLError, match=r"yolo could not train this recipe, since .* Choose another file, such as"):
        service.export("birds", tmp_path / name, home=finished)
    assert not (tmp_path / name).exists()


def test_an_export_of_one_trial_writes_one_file(finished: Path) -> None:
    service.export("birds", finished / "hyp.yaml", home=finished, trial=0)
    assert not (finished / "hyp-defaults.yaml").exists()


def test_a_file_in_the_place_of_the_defaults_recipe_is_left_alone(finished: Path) -> None:
    mine = finished / "hyp-defaults.yaml"
    mine.write_text("lr0: 0.5\n")
    with pytest.raises(AutoMLError, match=r"hyp-defaults\.yaml exists and is no recipe of automl's"):
        service.export("birds", finished / "hyp.yaml", home=finished)
    assert mine.read_text() == "lr0: 0.5\n"


# -- what is returned -----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["show", "status"])
def test_a_report_names_the_command_that_finds_its_study(finished: Path, verb: str) -> None:
    report = getattr(service, verb)(home=finished)
    (line,) = (line for line in repr(report).splitlines() if line.strip().startswith("next"))
    command = line.partition("next")[2].partition(", then")[0].strip()
    output = str(finished / "mine" / "hyp.yaml")
    (finished / "mine").mkdir()
    words = shlex.split(command.replace("hyp.yaml", output))
    result = CliRunner().invoke(app, words[1:])
    assert (words[0], result.exit_code) == ("automl", 0), result.stderr
    assert Path(output).is_file()


def test_the_home_folder_that_commands_take_anyway_is_not_named(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOML_HOME", str(finished))
    assert service.show(home=finished).db_words == ""
    assert service.show().db_words == ""


def test_lists_of_studies_show_themselves_as_tables(finished: Path) -> None:
    for studies in (service.studies(home=finished), service.overviews(home=finished)):
        assert "birds" in repr(studies)
        assert "<table" in studies._repr_html_()
    assert "automl export birds --db" in repr(service.overviews(home=finished)[0])


def test_curves_are_a_list_and_a_dataframe(finished: Path) -> None:
    curves = service.curves("birds", home=finished)
    assert len(curves) == len(curves.to_dataframe()) == 24


def test_a_demo_data_set_can_be_made_from_python(tmp_path: Path) -> None:
    assert service.demo_data(str(tmp_path / "demo")) == tmp_path / "demo" / "data.yaml"


def test_ipython_shows_the_sentence_of_an_error() -> None:
    with pytest.raises(AutoMLError) as raised:
        request_of("a.yaml", "1cpu-h", modles=[])  # type: ignore[call-arg]
    assert raised.value._render_traceback_() == ["AutoMLError: search has no option 'modles'. Did you mean models?"]
