"""Commands beside the search."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from automl.commands.tools import DEMO

ROOT = Path(__file__).parents[3]


def test_demo_data_prints_the_search_of_the_demo() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    (line,) = re.findall(r"^DEMO := \$\(BIN\)/automl search (.*)$", makefile, re.MULTILINE)
    words = shlex.split(line)
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert {options.pop("--data"), options.pop("--models")} == {"demo-data/data.yaml", "configs/demo/tiny.yaml"}
    printed = DEMO.split()
    assert dict(zip(printed[::2], printed[1::2], strict=True)) == options
