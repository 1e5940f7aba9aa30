"""Recommendations from the facts of a data set: what to set, and what to do first. Each names its source.

The guide is https://docs.ultralytics.com/yolov5/tutorials/tips_for_best_training_results/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from automl.checks.choice import DEPLOYMENTS, FAMILY, SIZE, box_sizes_of, sizes_for
from automl.checks.counts import FAR, FEW_OBJECTS, INSTANCES, TRAIN, VAL
from automl.checks.facts import Facts, SplitFacts
from automl.checks.figures import SIZES, SMALL, class_name, instances, pixel_sides, share_under, some
from automl.checks.found import counted, either
from automl.checks.importance import Rank, ordered, rank_of
from automl.checks.noise import BETWEEN_SEEDS, FINE, noise_of
from automl.figures import listed
from automl.files.shell import quoted
from automl.records import Finding, Recommendation, Severity, Source

COCO_IMAGES, EPOCHS = 118_287, 300  # of COCO's train split; of the guide
LARGE_DATA = 100_000  # images of train: the guide calls VOC and VisDrone (6,000 to 17,000) small to medium, COCO large
FEWEST_EPOCHS = 50
LOST_PX, LOST_SHARE = 8, 0.2  # so many boxes under LOST_PX at the largest size speak for tiles
WANTED_PX = 32  # side of the median box on a tile, at SIZE
TILE_STEP, SMALLEST_TILE = 32, 320
MOST_CLASSES = 10  # to watch
_STEPS = {
    Rank.ERROR: ("mend", "Mend the errors first: nothing can be trained before."),
    Rank.LEAK: ("split", "Divide the splits anew before the search: it would be led by a score that flatters."),
    Rank.LOSS: (
        "convert",
        "See first what the conversion left out: no network can learn what is not there.",
    ),
    Rank.LABELS: ("labels", "Fix the labels before the search: every trial would learn and be judged by them."),
}


def recommendations(
    facts: Facts, findings: Sequence[Finding] = (), *, deploy: str | None = None
) -> tuple[Recommendation, ...]:
    """Recommendations for a data set, the next step first.

    findings  all findings on it
    deploy    place of the network: "mobile", "cloud" or "edge"; None: not known
    """
    train, val = facts.splits.get(TRAIN), facts.splits.get(VAL)
    if train is None or not len(train.boxes):
        return ()
    first = tuple(_first(facts, val, findings))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return first
    return (
        *first,
        *_sizes(train),
        *_tiles(train),
        _models(deploy),
        _weights(train),
        _epochs(train),
        *_classes(facts, train, val),
        *_noise(facts, val),
    )


def _first(facts: Facts, val: SplitFacts | None, findings: Sequence[Finding]) -> Iterator[Recommendation]:
    """The next step: mend, label, judge the labels. None where val was not looked at and nothing presses."""
    figures = {name: {"images": len(split.images), "boxes": len(split.boxes)} for name, split in facts.splits.items()}
    worst = next(iter(ordered(findings, figures)), None)
    rank = rank_of(worst, figures) if worst is not None else Rank.NOTE
    if worst is not None and rank.pressing:
        step, text = _STEPS[rank]
        why = worst.title
        if rank is Rank.ERROR:
            count = sum(finding.severity is Severity.ERROR for finding in findings)
            why = f"{counted(count, 'kind')} of errors: a training ends, or leaves images out."
    elif val is None:
        return
    else:
        step, why = "judge", "Nothing in the files costs more than wrong labels may, which only a trained model finds."
        text = (
            "Train once with the defaults, then let that model judge the labels: "
            f"automl check --data {quoted(str(facts.file))} --baseline STUDY"
        )
    yield Recommendation(key="first", value=step, text=text, why=why, source=Source.MEASUREMENT)


def _sizes(train: SplitFacts) -> Iterator[Recommendation]:
    """Image sizes; the same as `automl search` takes by itself."""
    boxes = box_sizes_of(train)
    if not boxes.sides:
        return
    choice = sizes_for(boxes)
    shares = [
        f"at {at} " + ", ".join(f"{share_under(sides, pixels):.0%} under {pixels} px" for pixels in SMALL)
        for at, sides in ((at, pixel_sides(train, at)) for at in SIZES)
    ]
    sizes = listed([str(size) for size in choice.sizes])
    text = f"Search the image {'sizes' if len(choice.sizes) > 1 else 'size'} {sizes}."
    native = _longer_side(train)
    detail = f"The median image has {native:.0f} px on its longer side"
    detail += ": a larger size adds no detail." if native < max(choice.sizes) else "."
    why = " ".join(filter(None, [choice.why, detail, f"Sides of the boxes: {'; '.join(shares)}."]))
    yield Recommendation(key="imgsz", value=list(choice.sizes), text=text, why=why, source=Source.MEASUREMENT)


def _longer_side(train: SplitFacts) -> float:
    """Median longer side of the images as they are, in pixels; only for images with boxes of known size."""
    longer = np.maximum(train.width, train.height)
    return float(np.median(longer[longer > 0]))


def _tiles(train: SplitFacts) -> Iterator[Recommendation]:
    """Tiles, where even the largest size makes objects too small although the files have the pixels."""
    lost, own = pixel_sides(train, SIZES[-1]), pixel_sides(train, None)
    share = share_under(lost, LOST_PX)
    longer = np.maximum(train.width, train.height)
    if share < LOST_SHARE or np.median(longer[longer > 0]) <= SIZES[-1]:
        return
    tile = max(SMALLEST_TILE, round(SIZE * float(np.median(own)) / WANTED_PX / TILE_STEP) * TILE_STEP)
    yield Recommendation(
        key="tiling",
        value=tile,
        text=f"Cut the images into tiles of about {tile} px that overlap by the size of an object, for training and "
        "for prediction.",
        why=f"{share:.0%} of the boxes are under {LOST_PX} px at {SIZES[-1]}, but the median image has "
        f"{np.median(longer[longer > 0]):.0f} px and the median box {np.median(own):.0f} px.",
        source=Source.MEASUREMENT,
    )


def _models(deploy: str | None) -> Recommendation:
    if deploy is not None:
        members = DEPLOYMENTS[deploy]
        return Recommendation(
            key="models",
            value=list(members),
            text=f"Compare {listed(members)}.",
            why=f"The guide names them for {deploy}.",
            source=Source.GUIDE,
        )
    places = "; ".join(f"{place}: {members[0]} to {members[-1]}" for place, members in DEPLOYMENTS.items())
    return Recommendation(
        key="models",
        value=None,
        text=f"Name the place with --deploy, or compare all from {FAMILY[0]} to {FAMILY[-1]}: larger ones score higher "
        "and cost more.",
        why=f"The guide names variants by place: {places}.",
        source=Source.GUIDE,
    )


def _weights(train: SplitFacts) -> Recommendation:
    count = len(train.images)
    if count >= LARGE_DATA:
        text, why = "Compare pretrained weights with training from scratch: --weights none.", "the guide calls large"
    else:
        text, why = "Start from pretrained weights.", "the guide calls small or medium, for which it names them"
    return Recommendation(
        key="weights",
        value="none" if count >= LARGE_DATA else "auto",
        text=text,
        why=f"Train has {count:,} images, which {why}.",
        source=Source.GUIDE,
    )


def _epochs(train: SplitFacts) -> Recommendation:
    count = len(train.images)
    if count <= COCO_IMAGES:
        text = f"Train the winner for {EPOCHS} epochs. Fewer if it overfits early, more if it still gains at the end."
        return Recommendation(
            key="epochs", value=EPOCHS, text=text, why=f"The guide begins with {EPOCHS}.", source=Source.GUIDE
        )
    epochs = max(FEWEST_EPOCHS, round(EPOCHS * COCO_IMAGES / count / 10) * 10)
    return Recommendation(
        key="epochs",
        value=epochs,
        text=f"Train the winner for about {epochs} epochs: --train {epochs}.",
        why=f"On {count:,} images they have about as many steps as the guide's {EPOCHS} on COCO's {COCO_IMAGES:,}.",
        source=Source.GUIDE,
    )


@dataclass(frozen=True, order=True)
class _Watched:
    """A class that needs attention, the most urgent first."""

    boxes: int
    number: int


def _classes(facts: Facts, train: SplitFacts, val: SplitFacts | None) -> Iterator[Recommendation]:
    trained = instances(train, facts.nc)
    tested = instances(val, facts.nc) if val is not None else np.zeros(facts.nc, dtype=np.int64)
    typical = float(np.median(trained[trained > 0]))
    rare = (trained > 0) & ((tested < FEW_OBJECTS) | ((trained < FAR * INSTANCES) & (trained < FAR * typical)))
    watched = sorted(_Watched(int(trained[number]), int(number)) for number in np.flatnonzero(rare))[:MOST_CLASSES]
    if watched:
        names = [class_name(facts, one.number) for one in watched]
        worst, each = watched[0], either(len(names), "by itself", "one by one")
        yield Recommendation(
            key="classes",
            value=names,
            text=f"Watch the AP of {some(names)} {each}, and label more of {'it' if len(names) == 1 else 'them'}.",
            why=f"{names[0]} has {counted(worst.boxes, 'box', 'boxes')} in train "
            f"and {int(tested[worst.number])} in val, where fewer than "
            f"{FEW_OBJECTS} measure no AP.",
            source=Source.MEASUREMENT,
        )


def _noise(facts: Facts, val: SplitFacts | None) -> Iterator[Recommendation]:
    noise = noise_of(val, facts.nc) if val is not None else None
    if noise is None:
        return
    if not noise.seeds:
        text = (
            f"Val has {counted(noise.images, 'image')}: gains under {noise.least:.3f} are chance; "
            f"about {noise.needed:,} images, with seeds repeated, would show {FINE:g}."
        )
    else:
        text = f"Repeat recipes with {noise.seeds} seeds each to tell a gain of {FINE:g} from chance on this val."
    yield Recommendation(
        key="noise",
        value=round(noise.score, 4),
        text=text,
        why=f"mAP50-95 on {noise.images:,} val images with {noise.objects:,} boxes of {noise.classes} "
        f"{'class' if noise.classes == 1 else 'classes'} has a standard error of about {noise.score:.3f} by "
        f"the images; seeds add about {BETWEEN_SEEDS:g}.",
        source=Source.MEASUREMENT,
    )
