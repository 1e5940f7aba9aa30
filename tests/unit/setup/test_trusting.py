"""Trust in files: each is asked for once, and remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import AutoMLError, UntrustedNetwork
from automl.files import trusted
from automl.setup.trusting import trusting


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of the user's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def _reads(*files: str) -> None:
    for file in files:
        if not trusted.is_trusted(file):
            raise UntrustedNetwork(f"{file} has code", digest=file, file=f"{file}.yaml")


def test_each_file_is_asked_for_and_none_twice() -> None:
    questions: list[str] = []

    def agrees(error: UntrustedNetwork) -> bool:
        questions.append(error.digest)
        return True

    trusting(lambda: _reads("a", "b"), agrees)
    trusting(lambda: _reads("b", "a"), agrees)
    assert questions == ["a", "b"]


def test_without_trust_the_sentence_names_the_flag_and_nothing_is_remembered(config: Path) -> None:
    with pytest.raises(UntrustedNetwork, match="--trust-model"):
        trusting(lambda: _reads("a"), lambda error: False)
    assert not config.exists()


def test_a_list_that_cannot_be_written_is_named(config: Path) -> None:
    config.write_text("a file in the place of the folder")
    with pytest.raises(AutoMLError, match="XDG_CONFIG_HOME"):
        trusting(lambda: _reads("a"), lambda error: True)
