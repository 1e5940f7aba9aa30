"""The page of codes names what the code can find, and nothing else of its own families."""

from __future__ import annotations

import re
from pathlib import Path

from automl.data.conversion.notes import What

ROOT = Path(__file__).parents[3]
FAMILIES = "data|splits|lists|images|labels|counts|leakage|variety"
COMPUTED = ("counts/", "leakage/", "variety/")  # families whose codes all stand as literals in `automl/checks`


def of_code() -> set[str]:
    """Codes that stand in the source as literals."""
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "automl" / "checks").glob("*.py"))
    return {code for source in sources for code in re.findall(rf'"((?:{FAMILIES})/[a-z-]+)"', source)}


def of_page() -> set[str]:
    """Codes in the first column of the tables."""
    page = (ROOT / "docs" / "data-check.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]+) \|", page, flags=re.MULTILINE)
    return {code for cell in cells for code in re.findall(rf"`((?:{FAMILIES})/[a-z-]+)`", cell)}


def test_every_finding_is_on_the_page() -> None:
    assert len(of_code()) > 10
    assert of_code() - of_page() == set()


def test_the_page_names_no_finding_of_numbers_copies_or_variety_that_does_not_exist() -> None:
    page = {code for code in of_page() if code.startswith(COMPUTED)}
    assert page
    assert page - of_code() == set()


def test_every_note_of_a_conversion_is_on_the_page() -> None:
    page = (ROOT / "docs" / "data-check.md").read_text(encoding="utf-8")
    assert [what.code for what in What if f"`{what.code}`" not in page] == []
