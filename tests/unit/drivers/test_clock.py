"""The study's clock beside that of a machine which is set back between two sessions."""

from __future__ import annotations

from automl.drivers.clock import posix_offset_s
from tests.builders.factories import make_epoch_row, make_row

NOON = 1_000_000.0


def test_a_clock_that_goes_right_is_taken() -> None:
    rows, epochs = [make_row(0, started_at=NOON, ended_at=NOON + 60)], [make_epoch_row(0, 1, 0.5, NOON + 60)]
    assert posix_offset_s(NOON + 3600, 60.0, rows, epochs) == NOON + 3600 - 60.0


def test_a_study_without_rows_takes_the_clock() -> None:
    assert posix_offset_s(NOON, 0.0, [], []) == NOON


def test_no_row_is_dated_before_those_of_an_earlier_session() -> None:
    ended, running = make_row(0, started_at=NOON, ended_at=NOON + 90), make_row(1, started_at=NOON, ended_at=None)
    epochs = [make_epoch_row(1, 1, 0.5, NOON + 120)]
    assert posix_offset_s(NOON - 3600, 60.0, [ended, running], epochs) + 60.0 == NOON + 120
    assert posix_offset_s(NOON - 3600, 60.0, [ended], []) + 60.0 == NOON + 90
    assert posix_offset_s(NOON - 3600, 60.0, [make_row(1, started_at=NOON, ended_at=None)], []) + 60.0 == NOON
