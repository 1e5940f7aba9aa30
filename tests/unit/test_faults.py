"""The table of faults names tests that exist, and its results are told as they are."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tests.tools.faults import PAGE, ROOT, Result, Row, Run, lines_of, marked, result_of, rows_of, runs_of

ROWS = rows_of(PAGE.read_text(encoding="utf-8"))
TEST, OTHER = "tests/e2e/test_x.py::test_y", "tests/e2e/test_x.py::test_z"
REPORT = """<testsuites><testsuite>
<testcase classname="tests.e2e.test_x" name="test_y[one]" time="1.5"/>
<testcase classname="tests.e2e.test_x" name="test_y[two]" time="0.5"><skipped message="no server"/></testcase>
<testcase classname="tests.e2e.test_x" name="test_z" time="2.0"><failure message="no"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_every_row_names_a_test_that_makes_the_fault(row: Row) -> None:
    assert row.tests
    assert set(row.tests) <= marked()


def test_every_test_that_makes_a_fault_has_a_row() -> None:
    assert marked() <= {test for row in ROWS for test in row.tests}


def test_no_fault_has_two_rows() -> None:
    faults = [row.fault for row in ROWS]
    assert len(faults) == len(set(faults)) > 5


def test_a_row_is_read_however_it_is_written() -> None:
    text = f"# Bad days\n\n| fault | what happens | test |\n|:--|---|--:|\n| one | x | `{TEST}`, {OTHER} |\n  |two| y |{TEST} \nend"
    assert rows_of(text) == [Row("one", (TEST, OTHER)), Row("two", (TEST,))]


def test_a_mark_of_a_test_and_one_of_a_whole_file_are_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    own = "@pytest.mark.fault\n@pytest.mark.slow\ndef test_a(): ...\ndef test_b(): ...\n"
    (tmp_path / "tests" / "test_one.py").write_text(own)
    (tmp_path / "tests" / "test_all.py").write_text(f"pytestmark = [pytest.mark.fault]\n{own}")
    (tmp_path / "tests" / "test_none.py").write_text("def test_a(): ...\n")
    names = {"test_one.py::test_a", "test_all.py::test_a", "test_all.py::test_b"}
    assert marked(tmp_path) == {f"tests/{name}" for name in names}


def test_a_report_of_pytest_is_read() -> None:
    assert list(runs_of(REPORT)) == [
        Run(TEST, Result.PASSED, 1.5),
        Run(TEST, Result.SKIPPED, 0.5, "no server"),
        Run(OTHER, Result.FAILED, 2.0),
    ]


@pytest.mark.parametrize(
    ("tests", "result"),
    [
        ((TEST,), Result.PASSED),
        ((TEST, OTHER), Result.FAILED),
        ((TEST, "tests/e2e/test_x.py::test_new"), Result.MISSING),
        ((), Result.MISSING),
    ],
)
def test_a_row_is_as_good_as_its_worst_test(tests: tuple[str, ...], result: Result) -> None:
    runs = {test: [run for run in runs_of(REPORT) if run.test == test] for test in (TEST, OTHER)}
    assert result_of(Row("one", tests), runs) is result


def test_a_row_is_skipped_where_nothing_of_it_ran() -> None:
    run = Run(TEST, Result.SKIPPED, 0.0, "no server")
    assert result_of(Row("one", (TEST,)), {TEST: [run]}) is Result.SKIPPED


def test_the_table_has_the_date_the_seconds_and_what_was_skipped() -> None:
    runs = {TEST: [run for run in runs_of(REPORT) if run.test == TEST]}
    lines = list(lines_of([Row("one", (TEST,))], runs, datetime.date(2026, 11, 28)))
    assert lines[0] == "Faults, made on 2026-11-28:"
    assert f"| one | passed | 2.0 | `{TEST}` |" in lines
    assert lines[-1] == f"skipped: {TEST}: no server"


def test_the_page_lies_where_the_documents_do() -> None:
    assert PAGE.relative_to(ROOT).as_posix() == "docs/faults.md"
