"""Findings on variety: properties that hardly vary in train, and drift of val and test against train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from automl.checks.counts import TRAIN
from automl.checks.drift import LARGE, Drift, Values, drifts
from automl.checks.facts import Facts, SplitFacts
from automl.checks.figures import class_name, pixel_sides
from automl.figures import listed
from automl.records import Finding, Severity, Source

FEWEST_IMAGES = 20  # of train, from which a lack of variety is one
NARROW_BRIGHTNESS, NARROW_CONTRAST = 10.0, 5.0  # grey levels between the 5 % and the 95 % quantile
NARROW_SIDES = 1.5  # 95 % by 5 % quantile of the boxes' sides
MIDDLE = 0.9  # share of the boxes whose centre is in the middle ninth of the image
WORDS = {  # property: lower, higher
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter in contrast", "richer in contrast"),
    "image size": ("of smaller images", "of larger images"),
    "image aspect": ("of narrower images", "of wider images"),
    "boxes per image": ("emptier", "fuller"),
    "box size": ("of smaller boxes", "of larger boxes"),
    "box aspect": ("of narrower boxes", "of wider boxes"),
    "box position across": ("of boxes further left", "of boxes further right"),
    "box position down": ("of boxes further up", "of boxes further down"),
}
CLASSES = "classes"


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the variety of train, and on the drift of the other splits against it."""
    train = facts.splits.get(TRAIN)
    if train is None:
        return
    yield from _narrow(train)
    for name, split in facts.splits.items():
        if name != TRAIN:
            yield from _drifted(facts, train, split)


def _drifted(facts: Facts, train: SplitFacts, split: SplitFacts) -> Iterator[Finding]:
    moved = sorted(drifts(properties(train, facts.nc), properties(split, facts.nc)), key=lambda drift: -drift.distance)
    if not moved:
        return
    name = split.split
    yield Finding(
        code="variety/drift",
        severity=Severity.WARNING if moved[0].distance >= LARGE else Severity.NOTE,
        title=f"{name.capitalize()} is not like train: it is {listed([_in_words(facts, drift) for drift in moved])}.",
        advice=f"Divide the images anew, by chance, unless {name} is to be what the network will meet; then train "
        "needs such images too.",
        split=name,
        count=len(moved),
        source=Source.MEASUREMENT,
        figures={drift.name: {k: v for k, v in asdict(drift).items() if k != "name"} for drift in moved},
    )


def _in_words(facts: Facts, drift: Drift) -> str:
    if drift.name == CLASSES:
        name = class_name(facts, drift.kind)
        return f"of other classes ({name} {drift.second:.0%} of the boxes against {drift.first:.0%})"
    lower, higher = WORDS[drift.name]
    if drift.first == drift.second:
        return f"spread otherwise in {drift.name}"
    word = higher if drift.second > drift.first else lower
    return f"{word} (median {drift.second:.3g} against {drift.first:.3g})"


def properties(split: SplitFacts, nc: int) -> dict[str, Values]:
    """Values of every property of a split, by its name."""
    every, whole = np.arange(len(split.images)), split.whole
    count, known = len(split.images), (split.width > 0) & (split.height > 0) & whole
    width, height = split.width.astype(float), split.height.astype(float)
    kept = whole[split.box_image]
    own = split.box_image[kept].astype(np.int64)
    boxes = split.boxes[kept].astype(float)
    drawn = (boxes[:, 2] > 0) & (boxes[:, 3] > 0) & known[own]
    values = {
        "image size": Values(np.sqrt(width * height)[known], every[known], count),
        "image aspect": Values((width / np.maximum(height, 1))[known], every[known], count),
        "boxes per image": Values(split.per_image[whole].astype(float), every[whole], count),
        "box size": Values(np.sqrt(boxes[drawn, 2] * boxes[drawn, 3]), own[drawn], count),
        "box aspect": Values(
            boxes[drawn, 2] * width[own[drawn]] / (boxes[drawn, 3] * height[own[drawn]]), own[drawn], count
        ),
        "box position across": Values(boxes[:, 0], own, count),
        "box position down": Values(boxes[:, 1], own, count),
    }
    if nc:
        classes = split.box_class[kept]
        named = classes < nc
        values[CLASSES] = Values(classes[named].astype(float), own[named], count, kinds=nc)
    if split.has_pixels:
        for name, pixels in (("brightness", split.brightness), ("contrast", split.contrast)):
            read = np.isfinite(pixels) & whole
            values[name] = Values(pixels[read].astype(float), every[read], count)
    return values


def _narrow(train: SplitFacts) -> Iterator[Finding]:
    """Properties that hardly vary in train."""
    if len(train.images) < FEWEST_IMAGES:
        return
    texts, figures = list[str](), dict[str, float]()
    for name, values, least in (
        ("brightness", train.brightness, NARROW_BRIGHTNESS),
        ("contrast", train.contrast, NARROW_CONTRAST),
    ):
        known = values[np.isfinite(values)]
        if len(known) >= FEWEST_IMAGES and (spread := _spread(known)) < least:
            texts.append(f"their {name} varies by {spread:.1f} of 255 grey levels")
            figures[name] = round(spread, 2)
    sides = pixel_sides(train, None)
    if len(sides) >= FEWEST_IMAGES:
        low, high = np.quantile(sides, [0.05, 0.95])
        if low > 0 and high / low < NARROW_SIDES:
            texts.append(f"their boxes are all of about {np.median(sides):.0f} px")
            figures["box_ratio"] = round(float(high / low), 3)
        share = float((np.abs(train.boxes[:, :2] - 0.5) <= 1 / 6).all(axis=1).mean())
        if share >= MIDDLE:
            texts.append(f"{share:.0%} of their boxes have the centre in the middle ninth of the image")
            figures["middle"] = round(share, 4)
    if texts:
        yield Finding(
            code="variety/narrow",
            severity=Severity.NOTE,
            title=f"The train images are alike: {listed(texts)}.",
            advice="Add images of other light, distance and position, as the network will meet them. Until then "
            "augmentation has to stand in.",
            split=TRAIN,
            count=len(texts),
            source=Source.MEASUREMENT,
            figures=figures,
        )


def _spread(values: NDArray[np.float32]) -> float:
    low, high = np.quantile(values.astype(float), [0.05, 0.95])
    return float(high - low)
