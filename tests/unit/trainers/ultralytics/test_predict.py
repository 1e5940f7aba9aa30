"""Predictions of a weights file on images, by a tiny network that is trained once."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from automl.errors import AutoMLError, UntrustedNetwork
from automl.files import trusted
from automl.scores.boxes import cut
from automl.trainers import open_trainer
from automl.trainers.ultralytics.predict import Request, facts_of, predict, predict_apart
from tests.builders.train_tiny import draw_data, tiny_job, tiny_trial

NAMES = ("square", "disc")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a data set with best.pt of a short training."""
    folder = tmp_path_factory.mktemp("predict")
    data = draw_data(folder, train=16, val=4)
    job = tiny_job(data, folder / "trial", optimizer="AdamW", lr0=0.01)
    with closing(open_trainer("ultralytics").run(tiny_trial(epochs=2), job)) as run:
        assert len(list(run)) == 2
    return folder


def images_of(folder: Path) -> tuple[str, ...]:
    return tuple(map(str, sorted((folder / "images" / "val").iterdir())))


def request(folder: Path, **changes: Any) -> Request:
    fields: dict[str, Any] = {"weights": str(folder / "trial" / "best.pt"), "images": images_of(folder), "imgsz": 64}
    return Request(**{**fields, "least": 0.001, **changes})


def test_every_image_has_its_predictions_as_fractions(trained: Path, tmp_path: Path) -> None:
    predicted = predict(request(trained), tmp_path)
    assert (predicted.images, predicted.names) == (images_of(trained), NAMES)
    assert predicted.sizes.tolist() == [[96, 96]] * 4
    assert predicted.counts.min() > 0
    assert predicted.boxes.min() >= 0
    assert predicted.boxes.max() <= 1
    assert predicted.confidence.min() >= 0.001


def test_the_batch_and_the_order_change_nothing(trained: Path, tmp_path: Path) -> None:
    together, alone = predict(request(trained), tmp_path), predict(request(trained, batch=1), tmp_path)
    turned = predict(request(trained, images=images_of(trained)[::-1]), tmp_path).by_image()
    for image, single in together.by_image().items():
        for other in (alone.by_image()[image], turned[image]):
            assert np.allclose(single.boxes, other.boxes, atol=1e-3)
            assert np.allclose(single.confidence, other.confidence, atol=1e-3)


def test_predictions_are_those_of_ultralytics_on_the_same_pixels(trained: Path, tmp_path: Path) -> None:
    """A grey border of half a stride, as its validation adds, is drawn around the image for its prediction."""
    from ultralytics import YOLO

    (own,) = predict(request(trained, images=images_of(trained)[:1], imgsz=96), tmp_path)
    with Image.open(images_of(trained)[0]) as image:
        padded = Image.new("RGB", (128, 128), (114, 114, 114))
        padded.paste(image, (16, 16))
    padded.save(tmp_path / "padded.png")
    network = YOLO(str(trained / "trial" / "best.pt"))
    (theirs,) = network.predict(
        str(tmp_path / "padded.png"), imgsz=128, conf=0.001, iou=0.7, device="cpu", verbose=False
    )
    assert float(own.confidence[0]) == pytest.approx(float(theirs.boxes.conf.max()), abs=1e-3)
    corners = theirs.boxes.xyxy[int(theirs.boxes.conf.argmax())].numpy()
    x1, y1, x2, y2 = np.clip((corners - 16) / 96, 0, 1).tolist()  # ours are cut at the border of the image
    assert own.boxes[0].tolist() == pytest.approx([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], abs=0.01)


@pytest.mark.parametrize("size", [(200, 50), (50, 200), (31, 30), (640, 480)])
def test_images_of_any_shape_are_read(trained: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "bild ä.png"
    Image.new("RGB", size, "gray").save(file)
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    predicted = predict(request(trained, images=(str(file),)), tmp_path)
    assert predicted.sizes.tolist() == [list(size)]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


def test_a_file_that_is_no_image_is_named(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(AutoMLError, match=r"broken\.jpg"):
        predict(request(trained, images=(str(tmp_path / "broken.jpg"),)), tmp_path)


@pytest.mark.slow
def test_in_a_process_of_its_own_the_answer_is_the_same(trained: Path, tmp_path: Path) -> None:
    counts: list[int] = []
    apart = predict_apart(request(trained), tmp_path / "a.npz", counts.append)
    assert counts == [4]
    assert np.allclose(apart.confidence, predict(request(trained), tmp_path).confidence, atol=1e-4)
    facts = facts_of(trained / "trial" / "best.pt")
    assert (facts.names, facts.imgsz, facts.model) == (NAMES, 64, None)


class _Runs:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def changed(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The content of the checkpoint, which a test changes."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return torch.load(trained / "trial" / "best.pt", weights_only=False)


@pytest.mark.fault
def test_a_checkpoint_that_would_run_code_is_read_without_it(
    trained: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    torch.save({**changed, "more": _Runs(tmp_path / "ran")}, tmp_path / "evil.pt")
    predicted = predict(request(trained, weights=str(tmp_path / "evil.pt")), tmp_path)
    assert len(predicted) == 4
    assert not (tmp_path / "ran").exists()


def _evil_activation(tmp_path: Path) -> dict[str, Any]:
    return {"activation": f"[__import__('os').mkdir({str(tmp_path / 'ran')!r}), nn.SiLU()][1]"}


@pytest.mark.fault
def test_a_description_that_would_run_code_is_refused_until_it_is_trusted(
    trained: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    changed["model"].yaml |= _evil_activation(tmp_path)
    file = tmp_path / "evil.pt"
    torch.save(changed, file)
    with pytest.raises(UntrustedNetwork, match="--trust-model"):
        predict(request(trained, weights=str(file)), tmp_path)
    assert not (tmp_path / "ran").exists()
    trusted.trust(trusted.digest_of(file.read_bytes()), str(file))
    predict(request(trained, weights=str(file)), tmp_path)
    assert (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.fault
def test_in_a_process_of_its_own_such_a_description_is_refused_too(
    trained: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    changed["model"].yaml |= _evil_activation(tmp_path)
    torch.save(changed, tmp_path / "evil.pt")
    with pytest.raises(UntrustedNetwork, match=r"evil\.pt: activation has"):
        facts_of(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": None}, "does not name its classes"),
        ({"names": {0: "a", 2: "b"}}, "does not name its classes"),
        ({"yaml": None}, "no detector"),
        ({"yaml": {"backbone": [], "head": [[-1, 1, "Classify", ["nc"]]]}}, "ends in Classify"),
        ({"yaml": {"backbone": [], "head": [[[0, 1], 1, "Detect", ["nc"]]]}}, "tensors do not fit"),
    ],
)
def test_a_checkpoint_that_can_judge_nothing_is_refused(
    trained: Path, tmp_path: Path, changed: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    vars(changed["model"]).update(change)
    torch.save(changed, tmp_path / "a.pt")
    with pytest.raises(AutoMLError, match=words):
        predict(request(trained, weights=str(tmp_path / "a.pt")), tmp_path)


def _with_head(changed: dict[str, Any], head: list[Any], file: Path, **more: Any) -> Path:
    """A checkpoint of a network with another head, with its first weights."""
    from ultralytics.nn.tasks import DetectionModel

    description = {**changed["model"].yaml, "head": [head], **more}
    network = DetectionModel(json.loads(json.dumps(description)), nc=2, verbose=False)
    network.names = dict(enumerate(NAMES))
    torch.save({**changed, "model": network}, file)
    return file


def test_a_network_with_two_heads_augments_with_that_of_its_validation(
    trained: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    file = str(_with_head(changed, [[2, 3, 4], 1, "Detect", ["nc"]], tmp_path / "a.pt", end2end=True))
    plain = predict(request(trained, weights=file, least=1e-6), tmp_path)
    augmented = predict(request(trained, weights=file, least=1e-6, tta=True), tmp_path)
    assert not np.array_equal(plain.confidence, augmented.confidence)


@pytest.mark.parametrize(
    "head", [[[2, 3, 4], 1, "v10Detect", ["nc"]], [[3], 1, "Detect", ["nc"]]], ids=["v10", "one scale"]
)
def test_a_network_without_test_time_augmentation_predicts_and_refuses_it(
    trained: Path, tmp_path: Path, changed: dict[str, Any], head: list[Any]
) -> None:
    file = str(_with_head(changed, head, tmp_path / "a.pt"))
    plain = predict(request(trained, weights=file, least=1e-6, most=7), tmp_path)
    assert plain.counts.tolist() == [7] * 4
    with pytest.raises(AutoMLError, match="knows no test-time augmentation"):
        predict(request(trained, weights=file, tta=True), tmp_path)


def test_limits_of_a_study_are_kept(trained: Path, tmp_path: Path) -> None:
    plain = predict(request(trained), tmp_path)
    few = predict(request(trained, most=2, least=0.0), tmp_path)
    assert few.counts.tolist() == [2] * 4
    loose = predict(request(trained, overlap=0.95), tmp_path)
    assert len(loose.confidence) > len(plain.confidence)
    assert len(predict(request(trained, agnostic=True), tmp_path).confidence) < len(plain.confidence)


def test_whole_boxes_are_the_same_once_they_are_cut(trained: Path, tmp_path: Path) -> None:
    whole, plain = predict(request(trained, whole=True), tmp_path), predict(request(trained), tmp_path)
    assert whole.boxes[:, :2].min() - whole.boxes[:, 2:].max() < 0
    inside = cut(whole)
    assert inside.counts.tolist() == plain.counts.tolist()
    assert np.allclose(inside.boxes, plain.boxes, atol=1e-5)
