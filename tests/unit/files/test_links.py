from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.errors import NoSpace
from automl.files.links import Link, link


def refuse(*_: object, **__: object) -> None:
    raise OSError("not here")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"picture")
    return file


@pytest.mark.parametrize(
    ("refused", "kind"), [((), Link.SYMBOLIC), (("symlink",), Link.HARD), (("symlink", "link"), Link.COPY)]
)
def test_the_cheapest_kind_that_works_is_taken(
    source: Path, refused: tuple[str, ...], kind: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    target = source.with_name("b.jpg")
    assert link(source, target) is kind
    assert target.read_bytes() == b"picture"


def test_a_place_that_takes_nothing_is_one_sentence(source: Path) -> None:
    with pytest.raises(NoSpace, match="cannot be written"):
        link(source, source.parent / "nowhere" / "b.jpg")
