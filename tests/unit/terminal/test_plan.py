"""A plan in words: what its shares and its counts say."""

from __future__ import annotations

import io
import json
import math
import re
import time
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from automl import service
from automl.cli import app
from automl.costs.plan import Plan
from automl.costs.points import Point
from automl.figures import clock
from automl.terminal.plan import brief, print_plan

PLAN = Plan(
    device="cpu",
    slots=2,
    budgets=("1cpu-h",),
    points=(Point(name="a@64", role="baseline", epoch_s=45.0, training_s=540.0, trainings=6.7, batch=16),),
    epochs=12,
    rungs=(3, 9),
    reach=((3, 20.0), (9, 8.4), (12, 4.1)),
    trials=21,
    shares={"probe": 45.0, "baseline": 540.0, "search": 2655.0, "confirmation": 360.0},
    budget_s=3600.0,
    wall_s=1800.0,
    warnings=(),
    notes=(),
)


def printed(plan: Plan, width: int = 120) -> str:
    file = io.StringIO()
    print_plan(Console(file=file, width=width), plan)
    return file.getvalue()


def test_counts_at_rungs_are_said_to_include_each_other() -> None:
    text = printed(PLAN, 400)
    assert "of those after the defaults 20 reach epoch 3, 8 of these epoch 9, 4 of these epoch 12." in text


def test_without_rungs_only_the_end_is_counted() -> None:
    text = printed(replace(PLAN, rungs=(), reach=((12, 3.0),), trials=4), 400)
    assert "12 epochs a trial, none ends early; about 4 trials, of those after the defaults 3 reach epoch 12." in text


def test_a_plan_ends_in_three_sentences_that_need_no_other() -> None:
    *others, lengths, tried, ends = brief(replace(PLAN, notes=("A note.",), warnings=("Beware.",)))
    assert others == ["A note.", "Beware."]
    assert lengths == "Every recipe trains for up to 12 epochs, and the best is compared with the defaults."
    assert tried == "About 21 recipes are tried, the defaults first; weak ones are stopped early."
    assert re.fullmatch(
        r"It takes about 30 min 0 s with 2 trials at a time on the CPU, ends (\d{4}-\d\d-\d\d )?\d\d:\d\d\.", ends
    )
    assert printed(PLAN, 400).splitlines()[-3:] == brief(PLAN)


def test_a_plan_says_its_own_sentence_on_lengths_and_when_it_ends() -> None:
    before = time.time()
    alone = brief(replace(PLAN, trials=1, answer="The defaults are trained.", wall_s=86400.0 * 40))
    assert alone[0] == "The defaults are trained."
    assert len(alone) == 2
    assert alone[1].startswith("It takes about 960 h 0 min with 2 trials at a time on the CPU, ends 20")
    assert any(alone[1].endswith(f"ends {clock(at + 86400.0 * 40)}.") for at in (before, time.time()))


def test_the_shares_of_a_whole_budget_sum_to_100() -> None:
    line = next(
        line for line in printed(PLAN, 400).splitlines() if line.startswith("Budget ")
    )  # 1.25, 15, 73.75 and 10 percent
    assert sum(map(int, re.findall(r"\((\d+)%\)", line))) == 100


def test_a_plan_prints_a_row_for_each_point_and_its_sentences() -> None:
    compared = Point(name="dir/b.yaml@96", role="compared", epoch_s=90.0, training_s=1080.0, trainings=math.inf)
    left_out = Point(name="c@128", role="left out", why="out of memory")
    text = printed(replace(PLAN, points=(*PLAN.points, compared, left_out), notes=("A note.",), warnings=("Beware.",)))
    assert re.search(r"a@64 +baseline +45\.00 s .* 7 x +– +16 ", text)
    assert re.search(r"b\.yaml@96 +compared +90\.00 s .* – +– +– ", text)
    assert re.search(r"c@128 +left out( +–){10}", text)
    assert "Disk: 0.0 GB.\nA note.\nBeware.\nEvery recipe" in text


def test_an_estimated_price_is_marked_and_what_nobody_measured_is_not_shown() -> None:
    guess = Point(name="c@128", role="left out", estimated=True, epoch_s=90.0, training_s=1080.0, trainings=3.3)
    guess = replace(guess, batch=16, memory_bytes=10**9, latency_s=0.1, parameters=2 * 10**6)
    text = printed(replace(PLAN, points=(*PLAN.points, guess)))
    assert re.search(r"c@128 +left out +~90\.00 s +~0\.00 s +~18\.0 cpu-min +3 x +– +– +– +– +2\.0 M", text)


def test_points_are_named_in_brief_where_there_is_a_choice() -> None:
    compared = Point(name="b@96", role="compared", epoch_s=90.0, training_s=1080.0, batch=8)
    left_out = Point(name="c@128", role="left out", why="out of memory")
    lines = brief(replace(PLAN, points=(*PLAN.points, compared, left_out)))
    assert lines[:2] == [
        "baseline a at 64 px: 9.0 cpu-min a training, batch 16",
        "compared b at 96 px: 18.0 cpu-min a training, batch 8",
    ]
    assert lines[2:] == brief(PLAN)


def test_the_command_prints_the_plan_as_a_table_or_its_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "dry_run", lambda *words, **options: PLAN)
    words = ["search", "--data", "a.yaml", "--budget", "1cpu-h", "--dry-run"]
    table, document = CliRunner().invoke(app, words), CliRunner().invoke(app, [*words, "--json"])
    assert (table.exit_code, document.exit_code) == (0, 0)
    assert "Plan: the defaults at each operating point" in table.stdout
    assert Plan.from_document(json.loads(document.stdout)) == PLAN
