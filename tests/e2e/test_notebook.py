"""A search in a notebook's kernel: progress, the card, an interrupt, and the example of the documents."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode

from automl.records import StudyState
from tests.builders.cli import Place, wait_for
from tests.builders.notebooks import EXAMPLE, Kernel, html_of, kinds, opened
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
LONG = "report = automl.search('data.yaml', '400trials', trainer='surrogate', epochs=300, name='cut', home='runs')"
SHORT = "automl.search('data.yaml', '3trials', trainer='surrogate', epochs=9, home='runs', name='second')"
RESUMED = "automl.resume('cut', home='runs')"
MOST = 300_000  # bytes of the example with its outputs


@dataclass(frozen=True)
class Executed:
    """The example as it ran in an empty folder."""

    folder: Path
    stored: NotebookNode  # as it lies in the documents
    cells: list[NotebookNode]
    messages: dict[int, Counter[str]]
    after: str  # output of a further cell

    def cell(self, words: str) -> int:
        """Place of the first cell of code with these words."""
        return next(place for place, cell in enumerate(self.cells) if cell.cell_type == "code" and words in cell.source)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    folder, notebook = tmp_path_factory.mktemp("example"), nbformat.read(EXAMPLE, as_version=4)
    stored, messages = nbformat.read(EXAMPLE, as_version=4), {}
    with opened(folder, notebook) as kernel:
        for index in range(len(notebook.cells)):
            kernel.run_cell(index)
            messages[index] = kernel.messages
        (output,) = kernel.run("print(6 * 7)")
    return Executed(folder, stored, list(notebook.cells), messages, output.text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    draw_data(tmp_path)
    return Place(tmp_path)


@pytest.fixture
def kernel(place: Place) -> Iterator[Kernel]:
    with opened(place.folder) as kernel:
        assert kernel.run("import automl, signal") == []
        yield kernel


def test_the_example_runs_in_an_empty_folder_and_leaves_the_kernel_usable(example: Executed) -> None:
    errors = [output for cell in example.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert errors == []
    assert example.after == "42\n"
    recipe = yaml.safe_load((example.folder / "hyp.yaml").read_text())
    assert recipe["imgsz"] == 96


def test_a_search_shows_progress_in_one_output_and_leaves_the_card(example: Executed) -> None:
    place = example.cell("automl.search(")
    (output,) = example.cells[place].outputs
    assert output.output_type == "display_data"
    assert example.messages[place]["display_data"] == 1
    assert example.messages[place]["update_display_data"] >= 5
    assert example.messages[place]["clear_output"] == 0
    for text in ("digits: finished, 8 trials", "defaults", "cost", "automl export digits -o hyp.yaml"):
        assert text in output.data["text/html"]


def test_a_report_shows_card_and_leaderboard(example: Executed) -> None:
    (outputs,) = [cell.outputs for cell in example.cells if cell.source == "report"]
    html, text = html_of(outputs), outputs[0].data["text/plain"]
    assert html.count("<table>") == 2
    assert "Best trials on val" in html
    assert text.startswith("<StudyReport 'digits': finished, 8 trials>")
    assert (len(text) < 2000, len(html) < 20_000) == (True, True)


def test_outputs_are_small_and_of_the_kinds_that_are_stored(example: Executed) -> None:
    assert EXAMPLE.stat().st_size < MOST
    executed = [kinds(cell.get("outputs", [])) for cell in example.cells[: len(example.stored.cells)]]
    assert executed == [kinds(cell.get("outputs", [])) for cell in example.stored.cells]


def test_an_interrupt_ends_a_search_after_its_epochs_and_the_kernel_searches_on(place: Place, kernel: Kernel) -> None:
    outputs = kernel.interrupted(LONG, lambda: wait_for("epochs", lambda: len(place.epochs("cut")) > 5))
    assert kinds(outputs) == [("display_data", "text/html", "text/plain")]
    assert "cut: interrupted" in html_of(outputs)
    assert re.search(r"automl resume cut --db sqlite:\S+", html_of(outputs))
    assert place.study("cut").state is StudyState.INTERRUPTED
    outputs = kernel.run(SHORT)
    assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
    assert "second: finished, 3 trials" in html_of(outputs)
    (output,) = kernel.run("print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)")
    assert output.text == "True\n"


@pytest.mark.long
def test_an_interrupt_before_the_trials_go_on_leaves_a_study_that_can_be_resumed(place: Place, kernel: Kernel) -> None:
    kernel.interrupted(LONG, lambda: wait_for("epochs", lambda: len(place.epochs("cut")) > 5))

    def starting() -> None:
        wait_for("the study is taken over", lambda: place.study("cut").state is StudyState.RUNNING)
        time.sleep(0.5)  # Ray starts now, which takes some seconds

    (output,) = kernel.interrupted(RESUMED, starting)[-1:]
    assert output.output_type in ("error", "execute_result")  # the latter where Ray was faster
    assert place.study("cut").state is StudyState.INTERRUPTED
    outputs = kernel.interrupted(RESUMED, lambda: wait_for("the search", lambda: place.study("cut").state == "running"))
    assert place.study("cut").state is StudyState.INTERRUPTED
    assert outputs


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("automl.search('no.yaml', '1cpu-h')", "BadData: "),
        ("automl.search('data.yaml', 'much')", "BadBudget: cannot read the budget 'much'."),
        ("automl.search('data.yaml', '1cpu-h', modles=[])", "AutoMLError: search has no option 'modles'. Did you mean"),
        ("automl.show('nothing')", "NoStore: there is no database at"),
    ],
)
def test_an_error_is_one_sentence(kernel: Kernel, source: str, sentence: str) -> None:
    (output,) = kernel.run(source)
    assert output.output_type == "error"
    assert len(output.traceback) == 1
    assert output.traceback[0].startswith(sentence)
