"""Findings on numbers: images and boxes of each class, images without objects, sizes of the splits.

The limits of the guide are those of https://docs.ultralytics.com/yolov5/tutorials/tips_for_best_training_results/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts, SplitFacts
from automl.checks.figures import class_name, images_of, instances, some
from automl.checks.found import either
from automl.records import Finding, Place, Severity, Source
from automl.records.check import MOST_PLACES

TRAIN, VAL = "train", "val"
IMAGES, INSTANCES = 1500, 10_000  # of each class in train, by the guide
FAR = 0.1  # of a limit: below this share a class is worth watching
BACKGROUNDS, COCO_BACKGROUNDS = 0.1, 0.01  # share of train, by the guide
UNEVEN, VERY_UNEVEN = 10, 50  # boxes of the most frequent class for each of the rarest
FEW_OBJECTS = 20  # of a class in val: its AP then moves by .05 by chance (see `noise`)
SMALL_VAL, LARGE_VAL = 0.05, 0.5  # share of the images of train and val
FEW_IMAGES = 50  # of val
DOMINATING, CROWDED = 0.1, 20  # share of a split's boxes on one image, and boxes for each of the median image


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the numbers of a data set."""
    if facts.nc:
        yield from _shortfalls(facts)
        yield from _imbalance(facts)
        yield from _absent_classes(facts)
        yield from _rare_in_val(facts)
    yield from _backgrounds(facts)
    yield from _ratio(facts)
    for name, split in facts.splits.items():
        yield from _dominating(name, split)


def _shortfalls(facts: Facts) -> Iterator[Finding]:
    """Images and boxes of each class in train against the guide; the tables have every split."""
    train = facts.splits.get(TRAIN)
    if train is None or not len(train.boxes):
        return
    kinds = (
        ("counts/images", "images", images_of, IMAGES),
        ("counts/instances", "boxes", instances, INSTANCES),
    )
    for code, word, counter, limit in kinds:
        counts = counter(train, facts.nc)
        short = np.flatnonzero((counts > 0) & (counts < limit))
        if not len(short):
            continue
        least = short[np.argmin(counts[short])]
        yield Finding(
            code=code,
            severity=Severity.NOTE,  # a wish of the guide: most sets that train well are far from it
            title=f"{_have(facts, len(short))} fewer than {limit:,} {word} in train; the fewest has "
            f"{class_name(facts, int(least))}: {counts[least]:,}, {limit - counts[least]:,} short.",
            advice="Collect and label more images of these classes first. Until then start from pretrained weights.",
            split=TRAIN,
            count=len(short),
            source=Source.GUIDE,
            figures={
                "limit": limit,
                "splits": {name: _table(facts, counter(split, facts.nc), limit) for name, split in _filled(facts)},
            },
        )


def _filled(facts: Facts) -> list[tuple[str, SplitFacts]]:
    return [(name, split) for name, split in facts.splits.items() if len(split.images)]


def _table(facts: Facts, counts: NDArray[np.int64], limit: int) -> list[dict[str, Any]]:
    return [
        {"class": number, "name": class_name(facts, number), "count": int(count), "short": max(0, limit - int(count))}
        for number, count in enumerate(counts)
    ]


def _imbalance(facts: Facts) -> Iterator[Finding]:
    train = facts.splits.get(TRAIN)
    counts = instances(train, facts.nc) if train is not None else np.zeros(0, dtype=np.int64)
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return
    most, least = used[np.argmax(counts[used])], used[np.argmin(counts[used])]
    ratio = counts[most] / counts[least]
    if ratio < UNEVEN:
        return
    shares = counts[used] / counts.sum()
    effective = float(np.exp(-(shares * np.log(shares)).sum()))
    yield Finding(
        code="counts/imbalance",
        severity=Severity.WARNING if ratio >= VERY_UNEVEN else Severity.NOTE,
        title=f"Train has {ratio:.0f} boxes of {class_name(facts, int(most))} for each of "
        f"{class_name(facts, int(least))}: {len(used)} classes count like {effective:.1f} equal ones.",
        advice="mAP50-95 weighs all classes alike: add images of the rare classes, and look at their AP by itself.",
        split=TRAIN,
        source=Source.MEASUREMENT,
        figures={
            "ratio": round(float(ratio), 2),
            "effective_classes": round(effective, 2),
            "boxes": counts.tolist(),
        },
    )


def _absent_classes(facts: Facts) -> Iterator[Finding]:
    counts = {name: instances(split, facts.nc) for name, split in facts.splits.items()}
    train = counts.get(TRAIN)
    if train is None or not train.sum():
        return
    for name, boxes in counts.items():
        lacking = np.flatnonzero((train == 0) & (boxes > 0))
        if name != TRAIN and len(lacking):
            yield Finding(
                code="counts/class-not-in-train",
                severity=Severity.WARNING,
                title=f"{_classes(facts, lacking)} in {name} but not in train: no network can learn "
                f"{'it' if len(lacking) == 1 else 'them'}, and mAP falls by {len(lacking)}/{(boxes > 0).sum()}.",
                advice="Move images of them to train, or take the class out of the labels.",
                split=name,
                count=len(lacking),
                source=Source.MEASUREMENT,
                places=_first_images(facts.splits[name], lacking),
                figures={"classes": lacking.tolist(), "boxes": boxes[lacking].tolist()},
            )


def _rare_in_val(facts: Facts) -> Iterator[Finding]:
    """Classes of train with so few objects in val that their AP says little."""
    train, val = facts.splits.get(TRAIN), facts.splits.get(VAL)
    if train is None or val is None or not len(val.boxes):
        return
    trained, counts = instances(train, facts.nc), instances(val, facts.nc)
    absent = np.flatnonzero((trained > 0) & (counts == 0))
    rare = np.flatnonzero((counts > 0) & (counts < FEW_OBJECTS))
    if len(absent):
        yield Finding(
            code="counts/class-not-in-val",
            severity=Severity.WARNING,
            title=f"{_classes(facts, absent)} in train but not in val: the score says nothing about "
            f"{'it' if len(absent) == 1 else 'them'}.",
            advice="Move images of these classes from train to val.",
            split=VAL,
            count=len(absent),
            source=Source.MEASUREMENT,
            figures={"classes": absent.tolist(), "train_boxes": trained[absent].tolist()},
        )
    if len(rare):
        yield Finding(
            code="counts/class-rare-in-val",
            severity=Severity.WARNING,
            title=f"{_have(facts, len(rare))} fewer than {FEW_OBJECTS} "
            f"boxes in val, too few to measure an AP: {_names(facts, rare)}.",
            advice="Add labelled images of these classes to val; one object more or less moves mAP50-95 now.",
            split=VAL,
            count=len(rare),
            source=Source.MEASUREMENT,
            figures={"classes": rare.tolist(), "boxes": counts[rare].tolist(), "limit": FEW_OBJECTS},
        )


def _backgrounds(facts: Facts) -> Iterator[Finding]:
    train = facts.splits.get(TRAIN)
    if train is None or not len(train.boxes):
        return
    images, without = int(train.whole.sum()), np.flatnonzero((train.per_image == 0) & train.whole)
    empty = len(without)
    share = empty / images if images else 0.0
    if not images or 0 < share <= BACKGROUNDS:
        return
    if empty:
        have = either(empty, "has", "have")
        title = f"{empty} of {images} train images ({share:.0%}) {have} no object; the guide names 0 to 10 %."
        advice = "Check that none of them lacks its labels. Leave some out if objects are missed later."
    else:
        title = f"No train image is without objects; the guide names 0 to 10 %, and COCO has {COCO_BACKGROUNDS:.0%}."
        advice = "Add a few images without objects if the network sees objects where there are none."
    yield Finding(
        code="counts/backgrounds",
        severity=Severity.WARNING if empty else Severity.NOTE,
        title=title,
        advice=advice,
        split=TRAIN,
        count=max(1, empty),
        places=_places(train, without, "no object"),
        source=Source.GUIDE,
        figures={"backgrounds": empty, "images": images, "share": round(share, 4), "limit": BACKGROUNDS},
    )


def _ratio(facts: Facts) -> Iterator[Finding]:
    sizes = [len(facts.splits[name].images) if name in facts.splits else 0 for name in (TRAIN, VAL)]
    train, val = sizes
    if not train or not val:
        return
    share = val / (train + val)
    figures = {"train": train, "val": val, "share": round(share, 4)}
    if share > LARGE_VAL or (share < SMALL_VAL and val < IMAGES):
        few = "few" if share < SMALL_VAL else "many"
        yield Finding(
            code="counts/val-share",
            severity=Severity.NOTE,
            title=f"Val has {val:,} images beside {train:,} of train ({share:.0%} of both): {few} for a val split.",
            advice="Between 5 % and 50 % are usual, 20 % for one. Move images from one to the other.",
            source=Source.MEASUREMENT,
            figures=figures,
        )
    if val < FEW_IMAGES:
        yield Finding(
            code="counts/val-small",
            severity=Severity.WARNING,
            title=f"Val has {val} images: the score depends on which images they are.",
            advice=f"Bring it to {FEW_IMAGES} images or more, or trust large differences only.",
            split=VAL,
            count=val,
            source=Source.MEASUREMENT,
            figures=figures,
        )


def _dominating(name: str, split: SplitFacts) -> Iterator[Finding]:
    per_image = split.per_image
    used = per_image[per_image > 0]
    if len(used) < 2:
        return
    image, median = int(np.argmax(per_image)), float(np.median(used))
    share = per_image[image] / per_image.sum()
    if share < DOMINATING or per_image[image] < CROWDED * median:
        return
    yield Finding(
        code="counts/one-image",
        severity=Severity.NOTE,
        title=f"One image has {per_image[image]} of the {per_image.sum()} boxes of {name} ({share:.0%}); the median "
        f"image has {median:.0f}.",
        advice="Check its labels. Cut it into tiles, or leave it out if it is not like the others.",
        split=name,
        places=(Place(file=split.images[image], split=name, text=f"{per_image[image]} boxes"),),
        source=Source.MEASUREMENT,
        figures={"boxes": int(per_image[image]), "share": round(float(share), 4), "median": median},
    )


def _classes(facts: Facts, numbers: NDArray[np.intp]) -> str:
    return f"{_names(facts, numbers)} {'is' if len(numbers) == 1 else 'are'}"


def _have(facts: Facts, count: int) -> str:
    return f"{count} of {facts.nc} {either(facts.nc, 'class', 'classes')} {either(count, 'has', 'have')}"


def _names(facts: Facts, numbers: NDArray[np.intp]) -> str:
    return some([class_name(facts, int(number)) for number in numbers])


def _first_images(split: SplitFacts, classes: NDArray[np.intp]) -> tuple[Place, ...]:
    """The first image of each class."""
    firsts = (int(split.box_image[np.argmax(split.box_class == number)]) for number in classes[:MOST_PLACES])
    return tuple(Place(file=split.images[image], split=split.split) for image in firsts)


def _places(split: SplitFacts, images: NDArray[np.intp], text: str) -> tuple[Place, ...]:
    return tuple(Place(file=split.images[number], split=split.split, text=text) for number in images[:MOST_PLACES])
