"""Every fault of docs/faults.md, really made: the table with its results.

`python -m tests.tools.faults [ARGUMENTS OF PYTEST]` runs the tests that are marked `fault`. It ends with code 1 if one
failed, or if a row names a test that did not run.
"""

from __future__ import annotations

import ast
import datetime
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
MARK = "pytest.mark.fault"
_TEST = re.compile(r"tests/[\w/]+\.py::\w+")
_HEAD = "fault"


class Result(StrEnum):
    """Result of a test, or of all tests of a row. The worst one comes first."""

    FAILED = "failed"
    MISSING = "did not run"
    PASSED = "passed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    fault: str
    tests: tuple[str, ...]  # as tests/e2e/test_x.py::test_y


@dataclass(frozen=True)
class Run:
    """A run of a test, with one set of parameters."""

    test: str
    result: Result
    seconds: float
    reason: str = ""  # why it was skipped


def rows_of(text: str) -> list[Row]:
    """Rows of the table; the tests may stand in any cell, with or without back quotes."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        rule = all(set(cell) <= set("-: ") for cell in cells)
        if line.lstrip().startswith("|") and not rule and cells[0].strip("* ").lower() != _HEAD:
            rows.append(Row(cells[0], tuple(dict.fromkeys(_TEST.findall(line)))))
    return rows


def marked(root: Path = ROOT) -> set[str]:
    """Tests that are marked `fault`, by themselves or with their whole file."""
    return {
        f"{file.relative_to(root).as_posix()}::{name}"
        for file in root.glob("tests/**/test_*.py")
        for name in _marked_in(file)
    }


def runs_of(report: str) -> Iterator[Run]:
    """Runs in a report of pytest in JUnit's XML."""
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = (case.get("name") or "").partition("[")[0]
        test = f"{(case.get('classname') or '').replace('.', '/')}.py::{name}"
        skipped = case.find("skipped")
        broken = case.find("failure") is not None or case.find("error") is not None
        result = Result.FAILED if broken else Result.PASSED if skipped is None else Result.SKIPPED
        reason = "" if skipped is None else skipped.get("message", "")
        yield Run(test, result, float(case.get("time") or 0.0), reason)


def result_of(row: Row, runs: Mapping[str, Sequence[Run]]) -> Result:
    """The row's result: passed where some runs were skipped and the others passed."""
    results = {run.result for test in row.tests for run in runs.get(test, ())}
    if not row.tests or any(test not in runs for test in row.tests):
        results.add(Result.MISSING)
    return next(result for result in Result if result in results)


def lines_of(rows: Iterable[Row], runs: Mapping[str, Sequence[Run]], day: datetime.date) -> Iterator[str]:
    """The table in Markdown, and below it what was skipped and why."""
    yield f"Faults, made on {day.isoformat()}:"
    yield ""
    yield "| fault | result | s | test |"
    yield "|---|---|---:|---|"
    for row in rows:
        seconds = sum(run.seconds for test in row.tests for run in runs.get(test, ()))
        tests = ", ".join(f"`{test}`" for test in row.tests)
        yield f"| {row.fault} | {result_of(row, runs)} | {seconds:.1f} | {tests} |"
    skipped = {f"{run.test}: {run.reason}" for each in runs.values() for run in each if run.result is Result.SKIPPED}
    yield ""
    yield from sorted(f"skipped: {text}" for text in skipped)


def main(arguments: Sequence[str]) -> int:
    """Run the tests, and print the table."""
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        wanted = ("-m", "fault", f"--junitxml={report}", "-o", "junit_family=xunit2")
        code = subprocess.run([sys.executable, "-m", "pytest", *wanted, *arguments], cwd=ROOT, check=False).returncode
        found = list(runs_of(report.read_text(encoding="utf-8"))) if report.exists() else []
    runs: dict[str, list[Run]] = {}
    for run in found:
        runs.setdefault(run.test, []).append(run)
    print("\n".join(lines_of(rows, runs, datetime.date.today())))
    broken = any(result_of(row, runs) in (Result.FAILED, Result.MISSING) for row in rows)
    return 1 if code or broken else 0


def _marked_in(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text) if MARK in text else ast.Module([], [])
    whole = any(
        isinstance(node, ast.Assign) and MARK in ast.unparse(node) and _is_pytestmark(node) for node in tree.body
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = any(MARK in ast.unparse(decorator) for decorator in node.decorator_list)
            if whole or own:
                yield node.name


def _is_pytestmark(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
