"""Run the example notebook in an empty folder and keep its outputs: `python -m tests.tools.example_notebook`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import nbformat

from tests.builders.notebooks import EXAMPLE, opened

HOME = "~/notebooks"  # stands for the folder in which it ran


def main() -> None:
    """Write the outputs of a run into docs/example.ipynb. Raises RuntimeError if a cell fails."""
    notebook = nbformat.read(EXAMPLE, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        with opened(Path(folder), notebook) as kernel:
            for index, cell in enumerate(notebook.cells):
                outputs = kernel.run_cell(index)
                cell.metadata.clear()
                if any(output.output_type == "error" for output in outputs):
                    raise RuntimeError(f"cell {index}: {outputs}")
        notebook.metadata.pop("widgets", None)
        text = nbformat.writes(notebook).replace(json.dumps(str(Path(folder).resolve()))[1:-1], HOME)
    EXAMPLE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
