"""Tables, labelled lines and bars as HTML for notebooks. Every text is escaped; nothing is loaded from elsewhere.

Colours are those of the notebook, so that light and dark themes both fit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

_CELL = "padding:1px 14px 1px 0;border:none;background:none;vertical-align:top"
_TABLE = "border:none;border-collapse:collapse;margin:4px 0 8px 0;font-size:inherit"
_DIM = "opacity:0.7"
_NO_MATHS = "tex2jax_ignore mathjax_ignore"  # notebooks typeset what stands between two dollars
_LONGEST = 80  # characters of a cell in a table


def block(title: str, *parts: str) -> str:
    """A title above parts of HTML; empty parts are left out."""
    return f'<div class="{_NO_MATHS}" style="line-height:1.45">{heading(title)}{"".join(parts)}</div>'


def heading(text: str) -> str:
    """A line in bold."""
    return f'<div style="font-weight:bold">{escape(text)}</div>'


def paragraph(text: str) -> str:
    """A dim line; empty for an empty text."""
    return f'<div style="{_DIM};max-width:70em;white-space:pre-line">{escape(text)}</div>' if text else ""


def text(lines: str) -> str:
    """Lines of text as they are broken."""
    return f'<div style="max-width:70em;white-space:pre-line">{escape(lines)}</div>' if lines else ""


def labelled(lines: Iterable[tuple[str, str]]) -> str:
    """Lines with a label each, in bold."""
    rows = [
        f'<tr style="background:none"><th style="{_CELL};text-align:left;white-space:nowrap">{escape(label)}</th>'
        f'<td style="{_CELL};text-align:left;white-space:normal;overflow-wrap:anywhere;max-width:60em">'
        f"{escape(text)}</td></tr>"
        for label, text in lines
    ]
    return f'<table style="{_TABLE}">{"".join(rows)}</table>' if rows else ""


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Collection[str] = (),
    strong: Collection[int] = (),
) -> str:
    """A table; empty without rows.

    left    headings of columns of words; figures stand to the right
    strong  places of rows in bold
    """
    if not rows:
        return ""
    sides = ["left" if heading in left else "right" for heading in headings]
    head = "".join(
        f'<th style="{_CELL};text-align:{side};white-space:nowrap;border-bottom:1px solid">{escape(text)}</th>'
        for text, side in zip(headings, sides, strict=True)
    )
    body = "".join(
        f'<tr style="background:none{";font-weight:bold" if place in strong else ""}">{_cells(row, sides)}</tr>'
        for place, row in enumerate(rows)
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def bar(share: float, text: str) -> str:
    """A bar that is filled to a share from 0 to 1, with a text beside it."""
    value = min(1.0, max(0.0, share))
    return (
        f'<div><progress max="1" value="{value:.3f}" style="width:16em;vertical-align:middle"></progress>'
        f" {escape(text)}</div>"
    )


def _cells(row: Sequence[str], sides: Sequence[str]) -> str:
    return "".join(
        f'<td style="{_CELL};text-align:{side};white-space:nowrap">{escape(_cut(text))}</td>'
        for text, side in zip(row, sides, strict=True)
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
