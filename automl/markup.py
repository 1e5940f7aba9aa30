"""Tables, labelled lines and bars as HTML for notebooks. Every text is escaped; nothing is loaded from elsewhere.

Colours are those of the notebook, so that light and dark themes both fit. Where styles are removed, as on GitHub, what
remains are plain tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

_NO_MATHS = "tex2jax_ignore mathjax_ignore"  # notebooks typeset what stands between two dollars
_LONGEST = 80  # characters of a cell in a table
_STYLE = """<style>
.automl {line-height: 1.45}
.automl table {border: none; border-collapse: collapse; margin: 4px 0 8px 0; font-size: inherit}
.automl tr, .automl tr:nth-child(odd), .automl tr:hover {background: none}
.automl th, .automl td {border: none; padding: 1px 14px 1px 0; text-align: right; vertical-align: top}
.automl th, .automl td {white-space: nowrap; max-width: none}
.automl .left {text-align: left}
.automl .wrap {text-align: left; white-space: normal; overflow-wrap: anywhere; max-width: 60em}
.automl thead th {border-bottom: 1px solid}
.automl .lines {white-space: pre-wrap; max-width: 70em}
.automl .dim {opacity: 0.7}
.automl .title, .automl .strong td {font-weight: bold}
.automl progress {width: 16em; vertical-align: middle}
</style>"""


def block(title: str, *parts: str) -> str:
    """A title above parts of HTML; empty parts are left out."""
    return f'{_STYLE}<div class="automl {_NO_MATHS}">{heading(title)}{"".join(parts)}</div>'


def heading(text: str) -> str:
    """A line in bold."""
    return f'<div class="title">{escape(text)}</div>'


def paragraph(text: str, *, dim: bool = True) -> str:
    """Lines of text as they are broken; empty for an empty text."""
    return f'<div class="lines{" dim" if dim else ""}">{escape(text)}</div>' if text else ""


def labelled(lines: Iterable[tuple[str, str]]) -> str:
    """Lines with a label each, in bold; empty without lines."""
    rows = [
        f'<tr><th class="left">{escape(label)}</th><td class="wrap">{escape(text)}</td></tr>' for label, text in lines
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


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
    sides = [' class="left"' if heading in left else "" for heading in headings]
    head = "".join(f"<th{side}>{escape(text)}</th>" for text, side in zip(headings, sides, strict=True))
    strongly = ' class="strong"'
    body = "".join(
        f"<tr{strongly if place in strong else ''}>{_cells(row, sides)}</tr>" for place, row in enumerate(rows)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(share: float, text: str) -> str:
    """A bar that is filled to a share from 0 to 1, with a text beside it."""
    value = min(1.0, max(0.0, share))
    return f'<div class="lines"><progress max="1" value="{value:.3f}"></progress> {escape(text)}</div>'


def _cells(row: Sequence[str], sides: Sequence[str]) -> str:
    return "".join(f"<td{side}>{escape(_cut(text))}</td>" for text, side in zip(row, sides, strict=True))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
