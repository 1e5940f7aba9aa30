"""Errors name the way out."""

from __future__ import annotations

import pytest

from automl.errors import UnknownName

MANY = [f"birds-{number}" for number in range(1, 30)]


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("grid", ["gp", "tpe"], "unknown sampler 'grid'. Known: gp, tpe."),
        ("tpee", ["gp", "tpe"], "unknown sampler 'tpee'. Did you mean tpe? Known: gp, tpe."),
        ("TPE", ["tpe"], "unknown sampler 'TPE'. Did you mean tpe?"),
        ("bird-7", MANY, "unknown sampler 'bird-7'. Did you mean birds-7 or "),
        ("wheat", MANY, "unknown sampler 'wheat'. Known: birds-1, birds-2, "),
        ("wheat", MANY, "birds-12 and 17 more."),
        ("x", [], "unknown sampler 'x'."),
        ("", ["gp"], "unknown sampler ''. Known: gp."),
        ("ran", ["random", "gp"], "Did you mean random? Known: random, gp."),
    ],
)
def test_an_unknown_name_is_answered_with_close_ones_or_those_that_exist(
    name: str, known: list[str], hint: str
) -> None:
    assert hint in str(UnknownName("sampler", name, known))


def test_of_many_names_the_close_ones_are_listed_alone() -> None:
    assert "Known" not in str(UnknownName("study", "bird-7", MANY))
