"""The example notebook as it is stored: with the outputs of a run of its own."""

from __future__ import annotations

import re

import nbformat
import pytest
from nbformat import NotebookNode

from tests.builders.notebooks import EXAMPLE
from tests.tools.example_notebook import HOME


@pytest.fixture(scope="module")
def cells() -> list[NotebookNode]:
    return [cell for cell in nbformat.read(EXAMPLE, as_version=4).cells if cell.cell_type == "code"]


def test_every_cell_was_run_once_and_in_order(cells: list[NotebookNode]) -> None:
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_no_output_is_an_error_or_a_stream_of_errors(cells: list[NotebookNode]) -> None:
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    assert "best found" in str(outputs)


def test_no_path_is_of_the_machine_that_ran_it() -> None:
    paths = set(re.findall(r"(?<![\w.:])/(?:home|tmp|root|work|Users|var)[/\w.-]*", EXAMPLE.read_text()))
    assert {path for path in paths if not path.startswith(HOME)} == set()


def test_it_is_small() -> None:
    assert EXAMPLE.stat().st_size < 200_000
