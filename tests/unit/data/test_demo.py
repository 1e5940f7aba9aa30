from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from automl.cli import app
from automl.data import demo, read_dataset
from automl.data.demo import make_demo
from automl.errors import AutoMLError, NoSpace

pytest.importorskip("sklearn", reason="the demo needs scikit-learn")

SMALL: dict[str, Any] = {"train": 12, "val": 4, "test": 4}
TINY = Path(__file__).parents[3] / "configs" / "demo" / "tiny.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo that no test changes."""
    return make_demo(tmp_path_factory.mktemp("demo") / "digits", **SMALL)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in files(folder)}


def files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def test_the_demo_is_a_data_set_that_can_be_trained_on(made: Path) -> None:
    dataset = read_dataset(made)
    assert {name: len(split.images) for name, split in dataset.splits.items()} == SMALL
    assert dataset.names == ("zero", "one", "two", "three", "four")
    assert all(split.boxes for split in dataset.splits.values())


def test_the_number_of_classes_can_be_chosen(tmp_path: Path) -> None:
    assert read_dataset(make_demo(tmp_path, classes=10, **SMALL)).nc == 10


def test_images_have_the_size_asked_for(tmp_path: Path) -> None:
    dataset = read_dataset(make_demo(tmp_path / "large", imgsz=128, **SMALL))
    with Image.open(dataset.train.images[0]) as image:
        assert image.size == (128, 128)


def test_the_same_seed_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    assert contents(make_demo(tmp_path / "again", **SMALL).parent) == contents(made.parent)


def test_another_seed_gives_another_demo(made: Path, tmp_path: Path) -> None:
    other = contents(make_demo(tmp_path / "other", seed=1, **SMALL).parent)
    assert other["images/train/0000.jpg"] != contents(made.parent)["images/train/0000.jpg"]


def test_more_training_images_leave_the_others_as_they_were(made: Path, tmp_path: Path) -> None:
    more = contents(make_demo(tmp_path / "more", **{**SMALL, "train": 14}).parent)
    few = contents(made.parent)
    same = [name for name in few if name.startswith(("images", "labels"))]
    assert all(more[name] == few[name] for name in same)


def test_some_images_have_no_objects(tmp_path: Path) -> None:
    dataset = read_dataset(make_demo(tmp_path, train=100, val=4, test=4))
    assert 0 < dataset.train.backgrounds < 20


def test_splits_share_no_photograph() -> None:
    listed = [photograph for split in demo.PHOTOGRAPHS.values() for photograph in split]
    assert len(listed) == len(set(listed))
    assert all(demo._photographs(split) for split in demo.SPLITS)


def test_splits_share_no_handwritten_digit() -> None:
    images = np.arange(1000).repeat(64).reshape(1000, 8, 8)  # each image carries its own number
    target = np.arange(1000) % 10
    settings = demo._Settings(seed=0, train=1, val=1, test=1, imgsz=96, classes=10)
    used = [
        int(image[0, 0])
        for split in demo.SPLITS
        for hands in demo._hands(split, settings, (images, target))
        for image in hands
    ]
    assert sorted(used) == list(range(1000))


def test_boxes_lie_within_the_image_and_do_not_overlap(made: Path) -> None:
    for label in (made.parent / "labels").rglob("*.txt"):
        boxes = [tuple(map(float, row.split()[1:])) for row in label.read_text().splitlines()]
        for number, (x, y, w, h) in enumerate(boxes):
            assert w / 2 <= x + 1e-6 <= 1 - w / 2 + 2e-6
            assert h / 2 <= y + 1e-6 <= 1 - h / 2 + 2e-6
            for x2, y2, w2, h2 in boxes[:number]:
                assert abs(x - x2) >= (w + w2) / 2 - 1e-5 or abs(y - y2) >= (h + h2) / 2 - 1e-5


def test_a_second_call_touches_nothing(tmp_path: Path) -> None:
    first = make_demo(tmp_path / "demo", **SMALL)
    before = {file: file.stat().st_mtime_ns for file in files(first.parent)}
    assert make_demo(tmp_path / "demo", **SMALL) == first
    assert {file: file.stat().st_mtime_ns for file in files(first.parent)} == before


def test_a_second_call_overlooks_the_trainers_cache(tmp_path: Path) -> None:
    first = make_demo(tmp_path / "demo", **SMALL)
    (first.parent / "labels/train.cache").write_bytes(b"cache")
    assert make_demo(tmp_path / "demo", **SMALL) == first


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert make_demo(tmp_path / "demo", **SMALL).is_file()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(AutoMLError, match="not empty and not a demo data set"):
        make_demo(tmp_path, **SMALL)
    assert [file.name for file in files(tmp_path)] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(AutoMLError, match="is a file"):
        make_demo(tmp_path / "demo", **SMALL)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NoSpace, match="cannot write the demo"):
        make_demo(tmp_path / "file" / "demo", **SMALL)


def test_other_settings_are_refused_and_named(made: Path) -> None:
    with pytest.raises(AutoMLError, match=r"other settings \(seed 0, train 12"):
        make_demo(made.parent, **{**SMALL, "seed": 1})


def test_a_changed_demo_is_refused(tmp_path: Path) -> None:
    made = make_demo(tmp_path / "demo", **SMALL)
    (made.parent / "labels/train/0000.txt").write_text("")
    with pytest.raises(AutoMLError, match="was changed since it was made"):
        make_demo(tmp_path / "demo", **SMALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"train": 0}, "at least one"), ({"classes": 11}, "1 to 10 classes"), ({"imgsz": 8}, "32 to 416")],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, settings: dict[str, int], message: str) -> None:
    with pytest.raises(AutoMLError, match=message):
        make_demo(tmp_path / "demo", **{**SMALL, **settings})
    assert not (tmp_path / "demo").exists()


def test_an_interrupted_call_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_paste_digits", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "demo", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_faster_process_with_the_same_demo_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = demo._draw

    def draw_twice(workshop: Path, settings: Any, digits: Any) -> None:
        draw(workshop, settings, digits)
        (tmp_path / "demo").mkdir()
        draw(tmp_path / "demo", settings, digits)

    monkeypatch.setattr(demo, "_draw", draw_twice)
    assert make_demo(tmp_path / "demo", **SMALL).is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo"]


def test_without_scikit_learn_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(AutoMLError, match=r'pip install "yolo-automl\[demo\]"'):
        make_demo(tmp_path / "demo", **SMALL)


def test_without_any_photograph_the_split_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(demo.PHOTOGRAPHS, "val", (("no_such_package", "a.jpg"),))
    with pytest.raises(AutoMLError, match="no photograph for its val split"):
        make_demo(tmp_path / "demo", **SMALL)


def test_the_demo_imports_no_trainer(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from automl.data.demo import make_demo;"
        "light = {'torch', 'ultralytics', 'sklearn', 'PIL', 'numpy'} & set(sys.modules);"
        "assert not light, light;"
        f"make_demo(Path({str(tmp_path / 'demo')!r}), train=2, val=1, test=1);"
        "heavy = {'torch', 'ultralytics', 'matplotlib'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_demo_network_has_one_head_and_names_every_layer() -> None:
    document = yaml.safe_load(TINY.read_text())
    layers = document["backbone"] + document["head"]
    assert [layer[2] for layer in layers].count("Detect") == 1
    assert all(len(layer) == 4 for layer in layers)


def test_the_command_prints_a_search_that_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["demo-data", "my demo"])
    assert done.exit_code == 0
    _, command = done.output.split("  automl search ")
    words = ["search", *shlex.split(command.replace("\\\n", " "))]
    assert Path(words[words.index("--data") + 1]).is_file()
    assert Path(words[words.index("--models") + 1]).is_file()
    context = get_command(app).commands["search"].make_context("search", words[1:])  # type: ignore[attr-defined]
    assert context.params["budget"] == ["14cpu-min"]
