"""Candidates of a search whose user names no variants or no image sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl.checks.choice import FAMILY
from automl.data.boxes import BoxSizes
from automl.errors import AutoMLError, UnknownName
from automl.records import Slots
from automl.setup.candidates import Candidates, choose
from automl.setup.options import SearchRequest
from automl.setup.probing import points_of
from automl.setup.request import Checked, check

MEDIUM = BoxSizes(at=640, sides=(40.0,) * 100)
SMALL = BoxSizes(at=640, sides=(12.0,) * 31 + (100.0,) * 69)
LARGE = BoxSizes(at=640, sides=(30.0,) + (70.0,) * 99)
ROOMY = BoxSizes(at=640, sides=(50.0,) * 100)


def chosen(boxes: BoxSizes = MEDIUM, *, single: bool = False, **options: Any) -> Candidates:
    return choose(SearchRequest(data=Path("a.yaml"), budgets=("1cpu-h",), **options), boxes, single=single)


def drawn(folder: Path, side: float) -> Path:
    """A data.yaml of one box in a square image, of that share of its side."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        Image.new("RGB", (64, 64)).save(folder / "images" / split / "a.png")
        (folder / "labels" / split / "a.txt").write_text(f"0 0.5 0.5 {side} {side}\n")
    file = folder / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [bird]\n")
    return file


def checked(data: Path, **options: Any) -> Checked:
    request = SearchRequest(data=data, budgets=("8cpu-h",), **{"weights": "none", **options})
    return check(request, Slots(count=1, device="cpu"))


def test_all_variants_are_candidates_and_the_baseline_is_yolov5s_at_640() -> None:
    candidates = chosen()
    assert candidates.models == ("yolov5s", "yolov5n", "yolov5m", "yolov5l", "yolov5x")
    assert candidates.sizes == (640,)
    assert candidates.automatic == tuple(f"{model}@640" for model in candidates.models[1:])
    assert candidates.notes == ()


def test_small_boxes_make_1280_and_the_p6_variants_candidates() -> None:
    candidates = chosen(SMALL)
    assert candidates.sizes == (640, 1280)
    assert set(candidates.models) == {*FAMILY, *(f"{model}6" for model in FAMILY)}
    assert candidates.models[0] == "yolov5s"
    assert candidates.notes == ("31% of the boxes are under 16 px at 640: 1280 is a candidate.",)


@pytest.mark.parametrize(
    ("boxes", "sizes", "note"),
    [
        (LARGE, (640, 480, 320), "99% of the boxes are over 64 px at 640: 480 and 320 are candidates too."),
        (ROOMY, (640, 480), "100% of the boxes are over 43 px at 640: 480 is a candidate too."),
    ],
)
def test_smaller_sizes_are_candidates_where_all_boxes_are_large(
    boxes: BoxSizes, sizes: tuple[int, ...], note: str
) -> None:
    assert (chosen(boxes).sizes, chosen(boxes).notes) == (sizes, (note,))


def test_without_a_known_box_the_size_is_640() -> None:
    assert chosen(BoxSizes(at=640, sides=())).sizes == (640,)


def test_named_variants_are_measured_at_640_and_the_boxes_add_sizes() -> None:
    candidates = chosen(SMALL, models=("yolo11n", "yolo11s"))
    assert candidates.models == ("yolo11n", "yolo11s")
    assert candidates.automatic == ("yolo11n@1280", "yolo11s@1280")


def test_named_sizes_go_with_all_variants_and_boxes_do_not_matter() -> None:
    candidates = chosen(SMALL, imgsz=(320, 416))
    assert (candidates.models[0], candidates.sizes) == ("yolov5s", (320, 416))
    assert not {"yolov5s@320", "yolov5s@416"} & set(candidates.automatic)
    assert len(candidates.automatic) == 8
    assert candidates.notes == ()


@pytest.mark.parametrize(("sizes", "p6"), [((640,), False), ((1280,), True), ((1312,), False), ((1344, 640), True)])
def test_p6_variants_go_with_sizes_that_they_are_made_for(sizes: tuple[int, ...], p6: bool) -> None:
    assert ("yolov5m6" in chosen(imgsz=sizes).models) == p6


def test_weights_of_one_variant_leave_the_size_to_the_boxes() -> None:
    candidates = chosen(SMALL, single=True)
    assert (candidates.models, candidates.automatic) == (("yolov5s",), ("yolov5s@1280",))


@pytest.mark.parametrize(
    ("deploy", "models", "out"),
    [
        ("mobile", ("yolov5s", "yolov5n", "yolov5m"), "takes yolov5n, yolov5s and yolov5m, and leaves yolov5l and"),
        ("cloud", ("yolov5m", "yolov5l", "yolov5x"), "leaves yolov5n and yolov5s out."),
        ("edge", ("yolov5s", "yolov5n"), "leaves yolov5m, yolov5l and yolov5x out."),
    ],
)
def test_a_deployment_chooses_the_variants_and_says_which_are_out(
    deploy: str, models: tuple[str, ...], out: str
) -> None:
    candidates = chosen(deploy=deploy)
    assert candidates.models == models
    assert candidates.notes[0].startswith(f"--deploy {deploy} takes")
    assert out in candidates.notes[0]
    assert chosen(SMALL, deploy=deploy).models == (*models, *(f"{model}6" for model in models))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"deploy": "fridge"}, UnknownName, "unknown deployment 'fridge'"),
        ({"deploy": "mobile", "models": ("yolov5n",)}, AutoMLError, "--models names them: give one of the two"),
        ({"deploy": "edge"}, AutoMLError, "--deploy edge needs .* add --max-latency"),
        ({"deploy": "mobile", "trainer": "surrogate"}, AutoMLError, "the trainer 'surrogate' has none. Leave it out"),
        ({"deploy": "mobile", "weights": "s.pt"}, AutoMLError, "s.pt fits some: name them with --models"),
    ],
)
def test_a_deployment_that_cannot_be_meant_is_refused(
    tmp_path: Path, options: dict[str, Any], error: type[AutoMLError], words: str
) -> None:
    with pytest.raises(error, match=words):
        checked(drawn(tmp_path, 0.1), **options)


def test_the_boxes_of_real_images_decide(tmp_path: Path) -> None:
    result = checked(drawn(tmp_path, 0.02))
    assert result.chosen == ("100% of the boxes are under 16 px at 640: 1280 is a candidate.",)
    assert points_of(result)[:2] == ("yolov5s@640", "yolov5s@1280")
    assert "yolov5x6@1280" in points_of(result)
    assert "yolov5x6@640" not in points_of(result)
    assert result.fixed == {"model": "yolov5s", "imgsz": 640, "amp": True}


def test_a_space_that_names_a_variant_or_a_size_wins(tmp_path: Path) -> None:
    data, space = drawn(tmp_path, 0.02), tmp_path / "space.yaml"
    space.write_text(
        "parameters:\n  box: {uniform: [4, 10]}\n  model: {choice: [yolov5n, yolov5s], default: yolov5n}\n"
    )
    result = checked(data, space=space)
    assert (points_of(result), result.automatic) == (("yolov5n@640", "yolov5s@640"), ())
    with pytest.raises(AutoMLError, match=r"--deploy mobile chooses the variants, and .*space.yaml names them"):
        checked(data, space=space, deploy="mobile")
    space.write_text("fixed: {imgsz: 320}\nparameters:\n  box: {uniform: [4, 10]}\n")
    assert points_of(checked(data, space=space)) == ("yolov5s@320",)
    assert points_of(checked(data, space=space, deploy="mobile")) == ("yolov5s@320", "yolov5n@320", "yolov5m@320")


def test_the_surrogate_has_no_candidates(tmp_path: Path) -> None:
    result = checked(drawn(tmp_path, 0.02), trainer="surrogate")
    assert (result.models, result.automatic, result.chosen) == (("surrogate",), (), ())


def test_an_own_network_keeps_its_path_in_the_names_of_its_points(tmp_path: Path, monkeypatch: Any) -> None:
    data = drawn(tmp_path, 0.02)
    network = tmp_path / "own.yaml"
    network.write_text("nc: 80\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n")
    monkeypatch.chdir(tmp_path)
    result = checked(data, models=("own.yaml",))
    assert points_of(result) == (f"{network}@640", f"{network}@1280")
    assert result.automatic == (f"{network}@1280",)
