"""HTML for notebooks."""

from __future__ import annotations

import re

import pytest

from automl import markup

EVIL = "<script>alert('x')</script> & \"$a$\""


@pytest.mark.parametrize(
    "html",
    [
        markup.block(EVIL),
        markup.heading(EVIL),
        markup.paragraph(EVIL),
        markup.labelled([(EVIL, EVIL)]),
        markup.table([EVIL], [[EVIL]]),
        markup.bar(0.5, EVIL),
    ],
)
def test_every_text_is_escaped(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_words_stand_to_the_left_and_figures_to_the_right() -> None:
    html = markup.table(["name", "score"], [["a", "0.5"], ["b", "0.4"]], left=["name"], strong=[1])
    assert re.findall(r"<t[hd]( [^>]*)?>", html) == [' class="left"', ""] * 3
    assert html.count('<tr class="strong">') == 1


@pytest.mark.parametrize("html", [markup.table(["a"], []), markup.labelled([]), markup.paragraph("")])
def test_nothing_is_shown_of_nothing(html: str) -> None:
    assert html == ""


def test_a_long_cell_is_cut() -> None:
    assert "x" * 79 + "…<" in markup.table(["a"], [["x" * 1000]])


@pytest.mark.parametrize(("share", "value"), [(-1.0, "0.000"), (0.25, "0.250"), (7.0, "1.000")])
def test_a_bar_is_filled_between_nothing_and_all(share: float, value: str) -> None:
    assert f'value="{value}"' in markup.bar(share, "of 5 cpu-h")


def test_maths_between_dollars_is_not_typeset() -> None:
    assert "mathjax_ignore" in markup.block("title")
    assert "tex2jax_ignore" in markup.block("title")
