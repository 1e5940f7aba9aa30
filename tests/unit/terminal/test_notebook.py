"""Progress in a notebook, with an output that keeps what it is given."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from automl.costs.plan import Plan
from automl.terminal import notebook
from automl.terminal.notebook import LONGEST_S, SHORTEST_S, NotebookProgress, notebook_output, without_advice
from automl.terminal.tally import Tally
from tests.builders.factories import make_row
from tests.builders.overviews import make_report
from tests.unit.terminal.test_plan import PLAN
from tests.unit.terminal.test_progress import Clock, ended, epoch, notice, started, study

Content = Mapping[str, str]


class Output:
    """Outputs of a cell: each with all that it has shown."""

    def __init__(self) -> None:
        self.outputs: list[list[Content]] = []

    def __call__(self, content: Content) -> Output:
        self.outputs.append([content])
        return self

    def update(self, content: Content, *, raw: bool) -> None:
        assert raw
        self.outputs[-1].append(content)

    @property
    def last(self) -> str:
        """HTML that remains."""
        return self.outputs[-1][-1]["text/html"]


def progress(output: Output, clock: Clock | None = None) -> NotebookProgress:
    return NotebookProgress(output, Tally(Clock()), clock or Clock())


def test_there_is_one_output_however_much_is_told() -> None:
    output = Output()
    with progress(output) as screen:
        for number in range(50):
            screen(notice("note", text=f"note {number}"))
    assert len(output.outputs) == 1
    assert "note 49" in output.last
    assert "note 40" not in output.last  # the last six lines


def test_without_a_notice_there_is_no_output() -> None:
    output = Output()
    with progress(output):
        pass
    assert output.outputs == []


def test_budget_running_trials_and_the_best_epoch_are_shown() -> None:
    screen = progress(Output())
    for entry in (
        study(),
        started(0, 0.0),
        epoch(0, 60.0, 0.4),
        ended(0, 120.0),
        started(1, 120.0),
        epoch(1, 180.0, 0.5),
    ):
        screen._tally.take(entry)
    content = screen.content()
    html = content["text/html"]
    for text in ("birds: trials 2 begun, 1 ended", "of 5.00 cpu-h", "1/12", "best epoch 0.500 mAP50-95 (trial 1)"):
        assert text in html
    assert content["text/plain"].startswith("birds: trials 2 begun, 1 ended")


def test_texts_are_escaped() -> None:
    screen = progress(Output())
    screen._tally.take(notice("note", text="<img src=x onerror=alert(1)>"))
    assert "<img" not in screen.content()["text/html"]


def test_the_output_is_drawn_again_while_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "SHORTEST_S", 0.001)
    output = Output()
    with progress(output) as screen:
        screen(study())
        while len(output.outputs[0]) < 3:
            screen._over.wait(0.001)
    assert len(output.outputs) == 1


@pytest.mark.parametrize(("elapsed_s", "period_s"), [(0, SHORTEST_S), (600, 1.0), (3000, 5.0), (10**6, LONGEST_S)])
def test_a_long_search_is_drawn_less_often(elapsed_s: float, period_s: float) -> None:
    clock = Clock()
    screen = progress(Output(), clock)
    clock.now = elapsed_s
    assert screen.period_s() == pytest.approx(period_s)


def test_the_card_of_the_answer_remains() -> None:
    output, report = Output(), make_report(make_row(1, 0.6), make_row(0, 0.5))
    with progress(output) as screen:
        screen(study())
        screen.conclude(report)
    assert "best found" in output.last
    assert "<progress" not in output.last
    assert output.outputs[-1][-1]["text/plain"] == repr(report)


def test_a_plan_remains_in_brief() -> None:
    output = Output()
    with progress(output) as screen:
        screen(notice("note", text="Probing"))
        screen.conclude(replace(PLAN, answer="The defaults are trained."))
    assert "The defaults are trained." in output.last
    assert isinstance(PLAN, Plan)


def test_what_an_error_ended_is_called_stopped() -> None:
    output = Output()
    screen = progress(output)

    def search() -> None:
        with screen:
            screen(notice("note", text="Probing"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search()
    assert "Preparing, stopped" in output.last
    assert "Probing" in output.last


@pytest.mark.parametrize(
    "module",
    [
        None,
        SimpleNamespace(),
        SimpleNamespace(get_ipython=lambda: None),
        SimpleNamespace(get_ipython=lambda: SimpleNamespace()),  # IPython in a terminal has no kernel
    ],
)
def test_elsewhere_there_is_no_notebook(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert notebook_output() is None


def test_a_kernel_is_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    shell = SimpleNamespace(kernel=object())
    display = SimpleNamespace(display=lambda content, **words: calls.append((content, words)))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    show = notebook_output()
    assert show is not None
    show({"text/html": "x"})
    assert calls == [({"text/html": "x"}, {"raw": True, "display_id": True})]


def test_advice_on_widgets_is_kept_out_and_settings_are_restored(caplog: pytest.LogCaptureFixture) -> None:
    logger, filters = logging.getLogger("ray.widgets.util"), list(warnings.filters)
    with caplog.at_level(logging.INFO), without_advice():
        logger.info("Missing packages: ['ipywidgets']")
        logger.warning("something else")
    assert [record.message for record in caplog.records] == ["something else"]
    assert logging.getLogger("ray.widgets").level == logging.NOTSET
    assert warnings.filters == filters
