"""Findings on image files: those that cannot be trained on, and those that are not what they seem."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from automl.checks.facts import Facts, SplitFacts
from automl.checks.found import counted, either, found
from automl.data.labels import label_path
from automl.data.pixels import Fault, Trait
from automl.records import Finding, Place, Severity

LARGE = 25_000_000  # pixels of an image that takes long to decode, in every epoch

_FAULTS = {
    Fault.GONE: ("images/unreadable", "cannot be read as an image"),
    Fault.FOREIGN: ("images/foreign", "is of a kind that cannot be trained on"),
    Fault.SMALL: ("images/too-small", "is too small to be trained on"),
    Fault.POINTER: ("images/pointer", "is a pointer of Git LFS, not the file itself"),
    Fault.PLUGIN: ("images/no-reader", "is HEIC, for which no reader is installed"),
}
_PLURAL = {"is": "are", "cannot": "cannot"}
_TRAITS = (
    (
        Trait.TURNED,
        "images/exif-turned",
        Severity.WARNING,
        "turned or mirrored by EXIF",
        "Check that their boxes fit the image as it is shown: Ultralytics trains on the turned image, and some "
        "annotation tools draw on the unturned one.",
    ),
    (
        Trait.UNTIDY,
        "images/rewritten",
        Severity.NOTE,
        "JPEG with more bytes behind the end",
        "`yolo` would write such files anew, in place. `automl` reads them and leaves them as they are.",
    ),
    (
        Trait.MISNAMED,
        "images/misnamed",
        Severity.NOTE,
        "named as another format than they have",
        "Nothing needs to be done for a training; other tools may fail.",
    ),
    (
        Trait.DEEP,
        "images/deep",
        Severity.WARNING,
        "of more than 8 bits a channel",
        "Ultralytics cuts them to 8 bits. Scale their values yourself where the details are in the lower bits.",
    ),
    (
        Trait.CMYK,
        "images/cmyk",
        Severity.NOTE,
        "in CMYK, the colours of print",
        "Convert them to RGB if their colours look different in other programs.",
    ),
    (
        Trait.FRAMES,
        "images/frames",
        Severity.WARNING,
        "animated, or of several pages",
        "Only the first frame is trained on: its boxes are those that count.",
    ),
    (
        Trait.ALPHA,
        "images/transparent",
        Severity.NOTE,
        "with a channel of transparency",
        "Ultralytics drops it: what is transparent shows the colours that lie beneath.",
    ),
)


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on the image files of each split, and on images that two splits share."""
    for split in facts.splits.values():
        yield from _on_flaws(split)
        yield from _on_traits(split)
        yield from _on_colours(split)
        yield from _on_large(split)
        yield from _on_repeated(split)
        yield from _on_stems(split)
    for one, other in combinations(facts.splits.values(), 2):
        yield from _on_shared(one, other)


def _on_flaws(split: SplitFacts) -> Iterator[Finding]:
    groups: dict[Fault, list[Place]] = defaultdict(list)
    for number, flaw in sorted(split.flaws.items()):
        groups[flaw.fault].append(Place(file=split.images[number], split=split.split, text=flaw.words))
    for fault, places in groups.items():
        code, words = _FAULTS[fault]
        if len(places) > 1:
            verb, _, rest = words.partition(" ")
            words = f"{_PLURAL[verb]} {rest}"
        yield from found(
            code,
            Severity.ERROR,
            f"{counted(len(places), 'image')} of {split.split} {words}: Ultralytics would leave "
            f"{either(len(places), 'it', 'them')} out, or fail.",
            fault.value,
            places,
            split=split.split,
            reasons=dict(Counter(place.text for place in places).most_common()),
        )


def _on_traits(split: SplitFacts) -> Iterator[Finding]:
    for trait, code, severity, words, advice in _TRAITS:
        yield from _on_images(split, split.having(trait), code, severity, words, advice)


def _on_colours(split: SplitFacts) -> Iterator[Finding]:
    grey = split.having(Trait.GREY)
    if 0 < len(grey) < len(split.images) - len(split.flaws):
        yield from _on_images(
            split,
            grey,
            "images/grey",
            Severity.NOTE,
            f"grey, among {len(split.images)}",
            "Nothing needs to be done if both kinds occur in use. Otherwise convert them all to grey.",
        )


def _on_large(split: SplitFacts) -> Iterator[Finding]:
    large = np.flatnonzero(split.width.astype(np.int64) * split.height > LARGE)
    large = np.array([number for number in large if number not in split.flaws], dtype=np.intp)
    yield from _on_images(
        split,
        large,
        "images/large",
        Severity.NOTE,
        f"larger than {LARGE // 1_000_000} megapixels",
        "Scale them down once, or cut them into tiles: each is decoded in full in every epoch.",
    )


def _on_images(
    split: SplitFacts, numbers: Iterable[int], code: str, severity: Severity, words: str, advice: str
) -> Iterator[Finding]:
    places = [
        Place(
            file=split.images[number],
            split=split.split,
            text=f"{split.width[number]} x {split.height[number]} pixels",
        )
        for number in numbers
    ]
    verb = either(len(places), "is", "are")
    title = f"{counted(len(places), 'image')} of {split.split} {verb} {words}."
    yield from found(code, severity, title, advice, places, split=split.split)


def _on_repeated(split: SplitFacts) -> Iterator[Finding]:
    repeated = [image for image, count in Counter(split.images).items() if count > 1]
    yield from found(
        "images/repeated",
        Severity.WARNING,
        f"{counted(len(repeated), 'image')} of {split.split} {either(len(repeated), 'is', 'are')} named more than "
        "once.",
        "Name each folder and each line once: such images are trained on, or counted, several times.",
        [Place(file=image, split=split.split, text="named more than once") for image in repeated],
        split=split.split,
    )


def _on_stems(split: SplitFacts) -> Iterator[Finding]:
    """Images that share a label file: a.jpg and a.png."""
    groups: dict[str, list[str]] = defaultdict(list)
    for image in dict.fromkeys(split.images):
        groups[label_path(image)].append(image)
    shared = {file: images for file, images in groups.items() if len(images) > 1}
    yield from found(
        "images/shared-label-file",
        Severity.WARNING,
        f"{counted(len(shared), 'label file')} of {split.split} {either(len(shared), 'belongs', 'belong')} to more "
        "than one image.",
        "Rename one of the images and give it labels of its own, or remove it: both are trained with the same boxes.",
        [
            Place(file=images[0], other=images[1], split=split.split, text=f"both have {file}")
            for file, images in shared.items()
        ],
        split=split.split,
    )


def _on_shared(one: SplitFacts, other: SplitFacts) -> Iterator[Finding]:
    """Images of one path in two splits. Copies in other files are found by their pixels."""
    shared = sorted({*one.images} & {*other.images})
    if not shared:
        return
    whole = len(shared) == len({*other.images})
    title = (
        f"All {len(shared)} images of {other.split} are in {one.split} too."
        if whole
        else f"{len(shared)} of {len({*other.images})} images of {other.split} are in {one.split} too."
    )
    yield from found(
        "splits/shared-images",
        Severity.WARNING,
        title,
        f"Give {other.split} images of its own: on these its scores say nothing about new images.",
        [Place(file=image, other=image, split=other.split, text=f"in {one.split} too") for image in shared],
    )
