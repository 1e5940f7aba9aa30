"""Folders of data checks: whole or absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.files.checks import checks_folder, picture_file, replacing_folder


def test_each_data_set_has_one_folder_in_the_home(tmp_path: Path) -> None:
    one, other = (checks_folder(tmp_path, f"/data/{name}/data.yaml") for name in ("a", "b"))
    assert one.parent == other.parent == tmp_path / "checks"
    assert one != other
    assert one == checks_folder(tmp_path, Path("/data/a/data.yaml"))


@pytest.mark.parametrize("name", ["a.jpg", "../a.jpg", "/etc/a.jpg", "..\\..\\a.jpg"])
def test_a_name_of_a_picture_does_not_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    assert picture_file(tmp_path, name) == tmp_path / "a.jpg"


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "checks" / "a"
    for name in ("old.jpg", "new.jpg"):
        with replacing_folder(folder) as part:
            (part / name).touch()
    assert [file.name for file in folder.iterdir()] == ["new.jpg"]
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_an_interrupted_check_leaves_the_earlier_one(tmp_path: Path, error: type[BaseException]) -> None:
    folder = tmp_path / "checks" / "a"
    with replacing_folder(folder) as part:
        (part / "old.jpg").touch()

    def interrupted() -> None:
        with replacing_folder(folder) as part:
            (part / "new.jpg").touch()
            raise error

    with pytest.raises(error):
        interrupted()
    assert [file.name for file in folder.iterdir()] == ["old.jpg"]
    assert list(folder.parent.iterdir()) == [folder]
