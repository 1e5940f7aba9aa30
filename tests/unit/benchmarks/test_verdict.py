"""Simulated studies of rules for the verdict."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.verdict import MOST, OLD, REPEATED, REPEATS, Study, new, old, old_chances, simulate, table


def test_the_old_rule_is_kept_as_it_was() -> None:
    """Two studies that were decided by it: 89 % sure, and a lower repeat of the defaults takes the winner back."""
    steady = old_chances({0: [0.381, 0.381], 1: [0.496]})[1][1]
    fallen = old_chances({0: [0.381, 0.280], 1: [0.496]})[1][1]
    assert steady >= 0.9 > fallen


def test_every_rule_answers_the_same_studies() -> None:
    rows = list(simulate(6, [0.1], [0.01], 0))
    assert [row.rule for row in rows] == [OLD, "delivered from 0.5", "delivered from 0.7", "delivered from 0.9"]
    assert all(row.delivered > 0.05 for row in rows)  # a gap of ten seeds' noise is found by all
    assert all(0 <= row.false <= row.claims <= 1 for row in rows)
    assert len(table(rows)[1]) == len(rows)
    assert rows == list(simulate(6, [0.1], [0.01], 0))


def test_a_study_has_a_known_truth_and_no_rule_changes_its_runs() -> None:
    study = Study(0.03, 0.02, np.random.default_rng(1))
    before = {number: list(scores) for number, scores in study.runs.items()}
    answers = [old(study), *new(study).values()]
    assert study.runs == before
    assert study.truth[1] - study.truth[0] == pytest.approx(0.03)
    assert len(study.candidates()) <= REPEATED
    assert max(study.truth.values()) == study.truth[1]
    assert all(answer.repeats <= MOST * REPEATS for answer in answers)


def test_at_no_gap_a_claim_is_false() -> None:
    for row in simulate(8, [0.0], [0.05], 3):
        assert row.false == row.claims
        assert row.delivered <= 1e-9


def test_the_command_prints_rows_as_json() -> None:
    done = CliRunner().invoke(app, ["verdict", "--studies", "2", "--gaps", ".03", "--seed-sds", ".02", "--json"])
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["rows"]) == 4


@pytest.mark.parametrize("words", [["--gaps", "much"], ["--seed-sds", "5"]])
def test_a_wrong_number_ends_with_2_and_names_the_flag(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["verdict", *words])
    assert done.exit_code == 2
    assert words[0] in done.stderr
