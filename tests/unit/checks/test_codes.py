"""Every code of a finding on files has its row on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.data.labels import RowFault

ROOT = Path(__file__).parents[3]
MODULES = ("absent", "boxes", "files", "repeats", "sources", "tasks")
_CODE = re.compile(r"\b(?:data|splits|lists|images|labels)/[a-z-]+\b")


def codes(text: str) -> set[str]:
    return {*_CODE.findall(text)}


@pytest.mark.parametrize("module", MODULES)
def test_the_codes_of_a_module_are_on_the_page(module: str) -> None:
    source = (ROOT / "automl/checks" / f"{module}.py").read_text(encoding="utf-8")
    quoted = {code for code in codes(source) if f'"{code}"' in source}
    assert quoted
    assert quoted <= codes((ROOT / "docs/data-check.md").read_text(encoding="utf-8"))


def test_every_fault_of_a_row_is_on_the_page() -> None:
    page = codes((ROOT / "docs/data-check.md").read_text(encoding="utf-8"))
    assert {f"labels/{fault.value}" for fault in RowFault} <= page
