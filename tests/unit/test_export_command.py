"""`automl export --to`: the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from automl.cli import app
from automl.commands.export import joined
from tests.builders.exported import finished


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a finished study."""
    return finished(tmp_path_factory.mktemp("home"))


def run(home: Path, *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of `automl export …`."""
    done = CliRunner().invoke(app, ["export", *map(str, words), "--db", f"sqlite:///{home / 'automl.db'}"])
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("form", ["--to optuna {}", "--to=optuna {}", "--to optuna={}", "--to=optuna={}"])
def test_tool_and_place_are_two_words_or_one(form: str, home: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a=b.db'}"
    code, out, err = run(home, "birds", *form.format(url).split(" "))
    assert (code, err) == (0, "")
    assert out.startswith(f"Wrote 10 trials and 90 epochs to {url}. Look at it with: optuna-dashboard {url}\n")
    assert "Note: 'birds repeats' has the same recipes trained with other seeds\n" in out


def test_the_study_may_stand_behind_the_option(home: Path, tmp_path: Path) -> None:
    assert run(home, "--to", "csv", tmp_path / "out", "birds")[0] == 0
    assert (tmp_path / "out" / "trials.csv").is_file()


def test_several_tools_are_written_by_one_command(home: Path, tmp_path: Path) -> None:
    code, out, _ = run(home, "birds", "--to", "csv", tmp_path / "csv", "--to", "tensorboard", tmp_path / "runs")
    assert code == 0
    assert [line.split(" to ")[1].split(".")[0] for line in out.splitlines()] == [
        str(tmp_path / "csv"),
        str(tmp_path / "runs" / "birds"),
    ]


def test_nothing_is_written_where_one_of_several_places_cannot_be_used(home: Path, tmp_path: Path) -> None:
    code, out, err = run(home, "birds", "--to", "csv", tmp_path / "csv", "--to", "optunna", "x")
    assert (code, out) == (2, "")
    assert err == "automl: --to optunna: there is no such tool. Did you mean optuna?\n"
    assert not (tmp_path / "csv").exists()


@pytest.mark.parametrize(
    "words", [["--to", "mlflow"], ["--to=mlflow"], ["--to", "mlflow="], ["--to", "mlflow", "--db", "x"]]
)
def test_a_missing_place_is_one_sentence_with_an_example(words: list[str], home: Path) -> None:
    code, _, err = run(home, "birds", *words)
    assert (code, err) == (2, "automl: --to mlflow needs a place: --to mlflow sqlite:///mlflow.db\n")


@pytest.mark.parametrize(
    "flag", [["-o", "x.yaml"], ["--output", "x.yaml"], ["--trial", "1"], ["--epochs", "3"], ["--format", "json"]]
)
def test_a_flag_of_the_recipe_is_refused_beside_a_tool(flag: list[str], home: Path, tmp_path: Path) -> None:
    code, _, err = run(home, "birds", "--to", "csv", tmp_path / "out", *flag)
    assert code == 2
    assert err.startswith(f"automl: {flag[0].replace('--output', '-o')} is for the recipe, which --to does not write.")
    assert err.endswith("automl export birds -o hyp.yaml\n")
    assert not (tmp_path / "out").exists()


def test_words_behind_two_dashes_and_values_of_other_options_stay() -> None:
    assert joined(["a", "--", "--to", "b", "c"]) == ["a", "--", "--to", "b", "c"]
    assert joined(["--to", "csv", "x", "a", "-o", "y"]) == ["--to", "csv=x", "a", "-o", "y"]
    assert joined(["a", "--to"]) == ["a", "--to"]


def test_a_study_that_does_not_exist_is_one_sentence(home: Path, tmp_path: Path) -> None:
    code, _, err = run(home, "fish", "--to", "csv", tmp_path / "out")
    assert (code, err) == (2, "automl: unknown study 'fish'. Known: birds.\n")


def test_without_a_tool_the_recipe_is_written_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path, trainer="ultralytics")
    monkeypatch.chdir(tmp_path)
    code, out, err = run(tmp_path, "birds")
    assert (code, err) == (0, "")
    assert out.startswith("Wrote hyp.yaml. Train it with: yolo detect train cfg=hyp.yaml")
