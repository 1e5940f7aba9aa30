"""The sentences of `make audit`."""

from __future__ import annotations

import pytest

from tests.tools import audit

SOUND = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code"), [([SOUND, UNKNOWN], 0), ([SOUND, WEAK], 1), ([UNKNOWN], 2), ([], 2), ([WEAK, UNKNOWN], 1)]
)
def test_the_exit_code_tells_sound_weak_and_unknown_apart(packages: list[dict[str, object]], code: int) -> None:
    assert audit.code_of(packages) == code


def test_each_vulnerability_has_a_line_with_the_version_that_mends_it() -> None:
    assert list(audit.lines([SOUND, WEAK, UNKNOWN])) == [
        "b 2: PYSEC-1, mended in 3",
        "Not looked up: 1 of 3 packages, such as c.",
    ]


def test_without_an_index_it_is_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "COMMAND", (audit.sys.executable, "-c", "import sys; sys.exit('no route to host')"))
    assert audit.main([]) == 2
    assert "no route to host" in capsys.readouterr().err
