"""A notebook's kernel as a user has it: in a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.builders.cli import WAIT_S, environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example.ipynb"


class Kernel(NotebookClient):  # type: ignore[misc]  # untyped
    """A kernel that runs cells one by one and counts its messages."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.messages: Counter[str] = Counter()  # by kind, of the cell that ran last

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        self.messages[msg["msg_type"]] += 1
        return super().process_message(msg, cell, cell_index)

    def run(self, source: str) -> list[NotebookNode]:
        """Outputs of a new cell."""
        self.nb.cells.append(nbformat.v4.new_code_cell(source))
        return self.run_cell(len(self.nb.cells) - 1)

    def run_cell(self, index: int) -> list[NotebookNode]:
        """Outputs of a cell; none of one without code."""
        self.messages = Counter()
        cell = self.nb.cells[index]
        if cell.cell_type != "code":
            return []
        self.execute_cell(cell, index)
        return list(cell.outputs)

    def interrupted(self, source: str, ready: Callable[[], object]) -> list[NotebookNode]:
        """Outputs of a new cell that the user interrupts once all is ready."""
        (output,) = self.run("import os; print(os.getpid())")

        def interrupt() -> None:
            ready()
            os.killpg(os.getpgid(int(output.text)), signal.SIGINT)

        thread = threading.Thread(target=interrupt, daemon=True)
        thread.start()
        outputs = self.run(source)
        thread.join(WAIT_S)
        return outputs


@contextmanager
def opened(folder: Path, notebook: NotebookNode | None = None) -> Iterator[Kernel]:
    """A kernel that works in the folder, and imports this checkout."""
    kernel = Kernel(
        notebook or nbformat.v4.new_notebook(),
        timeout=int(4 * WAIT_S),
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    kernel.reset_execution_trackers()
    variables = environment(PYTHONPATH=str(ROOT), PYDEVD_DISABLE_FILE_VALIDATION="1")
    with kernel.setup_kernel(env=variables):
        yield kernel


def html_of(outputs: list[NotebookNode]) -> str:
    """The HTML that stands under a cell."""
    return "\n".join(output.data["text/html"] for output in outputs if "text/html" in output.get("data", {}))


def kinds(outputs: list[NotebookNode]) -> list[tuple[str, ...]]:
    """Kind of each output, with its media types."""
    return [(output.output_type, *sorted(output.get("data", {}))) for output in outputs]
