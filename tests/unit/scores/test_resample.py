"""The bootstrap over images: the mAP of Ultralytics, honest intervals, pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.errors import AutoMLError
from automl.scores.resample import FEWEST, MOST, Detections, Floats, Ints, draws, gain, map50_95, scores, spread
from automl.trainers.ultralytics.environment import prepare_environment


@pytest.fixture(scope="module", autouse=True)
def _settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the settings of Ultralytics in a folder of the tests."""
    prepare_environment(tmp_path_factory.mktemp("cache"))


def make(
    images: int,
    *,
    per_image: float = 3.0,
    wrong: int = 9,
    classes: int = 2,
    skill: float = 1.3,
    seed: int = 0,
    noise: int = 1,
) -> Detections:
    """Detections of a network that finds objects the better the larger its `skill` is.

    seed   of the images: the same seed gives the same images with the same difficulty
    noise  seed of the network
    """
    world, network = np.random.default_rng(seed), np.random.default_rng([seed, noise])
    present = world.poisson(per_image, images)
    objects = world.integers(0, classes, present.sum())
    quality = world.random(len(objects)) * skill + network.normal(0, 0.03, len(objects))
    homes = np.repeat(np.arange(images), present)
    owners = np.concatenate((homes, np.repeat(np.arange(images), wrong)))
    false = images * wrong
    right = quality[:, None] > np.linspace(0.5, 0.95, 10)
    sure = np.concatenate((0.7 * quality + network.normal(0, 0.15, len(objects)), network.random(false) ** 3 / 2))
    order = np.argsort(owners, kind="stable")
    return Detections(
        images=f"{seed}",
        found=np.bincount(owners, minlength=images),
        correct=np.concatenate((right, np.zeros((false, 10), bool)))[order],
        confidence=np.clip(sure, 0.001, 0.999).astype(np.float32)[order],
        classes=np.concatenate((objects, network.integers(0, classes, false)))[order],
        present=present,
        objects=objects,
    )


def theirs(detections: Detections) -> float:
    """mAP50-95 as Ultralytics computes it."""
    from ultralytics.utils.metrics import DetMetrics

    metrics = DetMetrics(names={number: str(number) for number in range(100)})
    bounds, limits = np.cumsum(detections.found)[:-1], np.cumsum(detections.present)[:-1]
    parts = (
        np.split(detections.correct, bounds),
        np.split(detections.confidence, bounds),
        np.split(detections.classes, bounds),
    )
    for image, (right, sure, classes, objects) in enumerate(
        zip(*parts, np.split(detections.objects, limits), strict=True)
    ):
        stat = {"tp": right, "conf": sure, "pred_cls": classes, "target_cls": objects}
        metrics.update_stats({**stat, "target_img": np.unique(objects), "im_name": str(image)})
    metrics.process()
    return float(metrics.results_dict["metrics/mAP50-95(B)"])


def repeated(detections: Detections, times: Ints) -> Detections:
    """The split with so many copies of each image."""
    copies = np.repeat(np.arange(len(times)), times)
    ends, limits = np.cumsum(detections.found), np.cumsum(detections.present)
    rows = np.concatenate([np.arange(ends[i] - detections.found[i], ends[i]) for i in copies])
    objects = np.concatenate([np.arange(limits[i] - detections.present[i], limits[i]) for i in copies])
    return replace(
        detections,
        found=detections.found[copies],
        correct=detections.correct[rows],
        confidence=detections.confidence[rows],
        classes=detections.classes[rows],
        present=detections.present[copies],
        objects=detections.objects[objects],
    )


@pytest.mark.parametrize(("images", "per_image", "classes"), [(40, 3.0, 2), (25, 1.0, 9), (100, 4.0, 4), (1, 2.0, 1)])
def test_with_every_image_once_it_is_ultralytics_own_figure(images: int, per_image: float, classes: int) -> None:
    for seed in range(5):
        detections = make(images, per_image=per_image, classes=classes, seed=seed)
        assert map50_95(detections) == pytest.approx(theirs(detections), abs=1e-9)


def test_an_image_drawn_twice_counts_as_two_and_one_not_drawn_as_none() -> None:
    detections = make(30, per_image=2.0, classes=3)
    counts = draws(detections, 7)[:, :20]
    expected = [theirs(repeated(detections, times)) for times in counts.T]
    assert scores(detections, counts) == pytest.approx(expected, abs=1e-9)


def test_nothing_found_or_nothing_there_scores_zero() -> None:
    blind = replace(
        make(5),
        found=np.zeros(5, int),
        correct=np.zeros((0, 10), bool),
        confidence=np.zeros(0, np.float32),
        classes=np.zeros(0, int),
    )
    assert (spread(blind, 0).low, spread(blind, 0).high) == (0.0, 0.0)
    empty = replace(make(5, per_image=0.0), found=np.full(5, 9))
    assert map50_95(empty) == 0.0


def truth(skill: float) -> float:
    return map50_95(make(20_000, skill=skill, seed=999))


def test_nine_of_ten_intervals_hold_what_endless_images_would_give() -> None:
    real, intervals = truth(1.3), [spread(make(60, seed=seed), seed) for seed in range(80)]
    held = np.mean([interval.low <= real <= interval.high for interval in intervals])
    assert 0.82 <= held <= 0.97


def test_a_pair_on_the_same_images_is_told_apart_better_than_two_intervals_could() -> None:
    real = truth(1.4) - truth(1.3)
    pairs = [gain(make(60, skill=1.4, seed=n, noise=2), make(60, seed=n), n) for n in range(60)]
    assert 0.8 <= np.mean([pair.low <= real <= pair.high for pair in pairs]) <= 0.98
    alone = spread(make(60), 0)
    assert np.mean([pair.high - pair.low for pair in pairs]) < 0.6 * (alone.high - alone.low)
    assert np.mean([pair.chance > 0.95 for pair in pairs]) > 0.9


def test_the_same_detections_gain_nothing_for_certain() -> None:
    same = gain(make(40), make(40), 3)
    assert (same.value, same.low, same.high, same.chance) == (0.0, 0.0, 0.0, 0.5)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert spread(make(40), 3) == spread(make(40), 3)
    assert spread(make(40), 3) != spread(make(40), 4)


def test_other_images_cannot_be_compared() -> None:
    detections = make(40)
    turned = replace(detections, objects=detections.objects[::-1])
    for other in (replace(detections, images="other"), make(41), turned):
        with pytest.raises(AutoMLError, match="not measured on the same images"):
            gain(detections, other, 0)


def test_a_large_split_is_drawn_less_often() -> None:
    assert draws(make(300), 0).shape == (300, MOST)
    detections = make(4000, per_image=6.0, wrong=60, classes=30)
    assert draws(detections, 0).shape == (4000, FEWEST)


def test_every_draw_takes_as_many_images_as_there_are() -> None:
    counts: Ints = draws(make(50), 0)
    assert set(counts.sum(axis=0)) == {50}
    once: Floats = scores(make(50), np.ones((50, 2), dtype=np.int16))
    assert once == pytest.approx([map50_95(make(50))] * 2, abs=1e-12)
