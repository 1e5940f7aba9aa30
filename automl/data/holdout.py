"""Images that the search never sees: the test split, or a part of val that is held back."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from automl.data.dataset import Dataset, Split
from automl.data.images import TEST
from automl.data.labels import LabelRules, classes_in, label_path, read_labels
from automl.errors import AutoMLError, BadData

HOLDOUT = "holdout"
FEWEST = 20  # images in either part of val
MOST = 0.9  # of val that may be held back
_BACK, _KEPT = 0, 1


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Images for the final evaluation of the defaults and the winner."""

    dataset: Dataset  # to train on; its test split holds the images
    name: str  # TEST or HOLDOUT; empty without such images
    reported: Dataset | None = None  # whose test split is measured too and decides nothing, beside a HOLDOUT
    notes: tuple[str, ...] = ()


def find_unseen(dataset: Dataset, holdout: float | None, seed: int, *, evaluate: bool = True) -> Unseen:
    """Images for the final evaluation: those of the test split, or `holdout` of val.

    evaluate  False if the user wants no final evaluation

    With both, the held back images may veto a recipe, and the test split, which chose nothing, reports.

    Raises AutoMLError for an impossible share, and for a share without an evaluation.
    Raises BadData for a val too small to share.
    """
    test, why_not = _usable_test(dataset)
    if holdout is not None:
        if not evaluate:
            raise AutoMLError(
                "--holdout holds images back for a last measurement and --no-test leaves it out: drop one."
            )
        check_share(holdout)
        searched = hold_back(dataset, holdout, seed)
        unused = (f"The test split is not measured: {why_not}",) if why_not else ()
        notes = (*_one_sided(dataset, searched), *(_shared(dataset) if test else ()), *unused)
        return Unseen(dataset=searched, name=HOLDOUT, reported=dataset if test else None, notes=notes)
    if test and evaluate:
        return Unseen(dataset=dataset, name=TEST, notes=tuple(_shared(dataset)))
    note = f"Nothing is measured on unseen images: {why_not} Hold back a part of val with --holdout 0.3."
    return Unseen(dataset=dataset, name="", notes=(note,) if why_not and evaluate else ())


def check_share(holdout: float) -> None:
    """Raise AutoMLError if that share of val cannot be held back."""
    if not 0 < holdout <= MOST:
        raise AutoMLError(
            f"--holdout {holdout:g} is no share of val to hold back: above 0 and at most {MOST:g}, for example 0.3."
        )


def hold_back(dataset: Dataset, share: float, seed: int) -> Dataset:
    """The data set with that share of val as its test split and the rest as val; unchanged with 0.

    The choice depends on the images' names, labels and the seed, not on the folder. Classes are shared out from
    the rarest on, each image to the part that lacks most of the class. So a class in two or more images is in
    both parts where the others allow it.

    Raises BadData when a part would have fewer than FEWEST images, or no object.
    Source: Sechidis et al., "On the stratification of multi-label data", 2011, algorithm 1.
    """
    if not share:
        return dataset
    images = list(dict.fromkeys(dataset.val.images))
    count = round(share * len(images))
    if min(count, len(images) - count) < FEWEST:
        least = math.ceil(FEWEST / min(share, 1 - share))
        raise BadData(
            dataset.file,
            f"val has {len(images)} images, too few for --holdout {share:g}: both parts need {FEWEST}. "
            f"Use a share nearer to 0.5, a val of {least} images or more, or no --holdout.",
        )
    held = _share_out(_classes(images), share, seed)
    parts = [[image for image in dataset.val.images if (image in held) is back] for back in (True, False)]
    test, val = (_part(dataset, part) for part in parts)
    if not test.boxes or not val.boxes:
        raise BadData(
            dataset.file, "val has too few labelled images to hold some back. Use no --holdout, or label more of it."
        )
    return replace(dataset, val=val, test=test)


def halves(dataset: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Two data sets that share val and have one half of train each, shared out as by `hold_back`; without test.

    Raises BadData when a half would have no object.
    """
    images = list(dict.fromkeys(dataset.train.images))
    held = _share_out(_classes(images), 0.5, seed)
    parts = [_part(dataset, [image for image in images if (image in held) is back]) for back in (True, False)]
    if not all(part.boxes for part in parts):
        raise BadData(dataset.file, "train has too few labelled images to share it into halves. Label more of it.")
    first, second = (replace(dataset, train=part, test=None) for part in parts)
    return first, second


def _classes(images: Iterable[Path]) -> dict[Path, frozenset[int]]:
    return {image: classes_in(label_path(str(image))) for image in images}


def _share_out(classes: Mapping[Path, frozenset[int]], share: float, seed: int) -> frozenset[Path]:
    """The images that are held back."""
    waiting = _in_order(classes, seed)
    shares = (share, 1 - share)
    totals = Counter(kind for kinds in classes.values() for kind in kinds)
    room = [part * len(classes) for part in shares]  # images that a part still lacks
    lacks = [{kind: part * count for kind, count in totals.items()} for part in shares]
    parts: tuple[set[Path], set[Path]] = (set(), set())
    holds: tuple[set[int], set[int]] = (set(), set())

    def give(image: Path, part: int) -> None:
        parts[part].add(image)
        holds[part].update(classes[image])
        room[part] -= 1
        for kind in classes[image]:
            lacks[part][kind] -= 1

    while left := Counter(kind for image in waiting for kind in classes[image]):
        rarest = min(left, key=lambda kind: (left[kind], kind))
        for image in [image for image in waiting if rarest in classes[image]]:
            without = [part for part in (_KEPT, _BACK) if rarest not in holds[part]]
            choice = without if left[rarest] <= len(without) else (_KEPT, _BACK)
            give(image, max(choice, key=lambda part: (lacks[part][rarest], room[part], part)))
            left[rarest] -= 1
        waiting = [image for image in waiting if rarest not in classes[image]]
    for image in waiting:  # without objects
        give(image, max((_KEPT, _BACK), key=lambda part: (room[part], part)))
    return frozenset(parts[_BACK])


def _in_order(classes: Mapping[Path, frozenset[int]], seed: int) -> list[Path]:
    """The images, shuffled by their names below the common folder."""
    common = os.path.commonpath([image.parent for image in classes])

    def key(image: Path) -> tuple[bytes, str]:
        name = os.path.relpath(image, common).replace(os.sep, "/")
        return hashlib.sha256(os.fsencode(f"{seed}\0{name}")).digest(), name

    return sorted(classes, key=key)


def _part(dataset: Dataset, images: list[Path]) -> Split:
    shape = dataset.extra.get("kpt_shape") or (0, 0)
    rules = LabelRules(nc=dataset.nc, keypoint_columns=int(shape[0]) * int(shape[1]))
    labels = [read_labels(label_path(str(image)), rules) for image in images]
    return Split(
        sources=(),
        images=tuple(images),
        boxes=sum(file.boxes for file in labels),
        polygons=sum(file.polygons for file in labels),
        backgrounds=sum(not file.boxes for file in labels),
    )


def _usable_test(dataset: Dataset) -> tuple[bool, str]:
    """True if the test split can be measured on; else False with a reason, as a sentence, if the file names one."""
    test = dataset.test
    if test is None:
        return False, dataset.without_test
    if not test.boxes:
        return False, "the test split has no labels."
    seen = {*dataset.train.images, *dataset.val.images}
    if seen.issuperset(test.images):
        return False, "every image of the test split is in train or val."
    return True, ""


def _shared(dataset: Dataset) -> Iterable[str]:
    assert dataset.test is not None
    seen = {*dataset.train.images, *dataset.val.images}
    shared = len(seen.intersection(dataset.test.images))
    if shared:
        yield f"{shared} of the {len(dataset.test.images)} test images are in train or val too: test will flatter."


def _one_sided(whole: Dataset, parts: Dataset) -> Iterable[str]:
    """Notes on the parts of val, and on classes that only one of them has."""
    assert parts.test is not None
    yield f"Held back from the search: {len(parts.test.images)} of the {len(whole.val.images)} val images."
    back, rest = (
        {kind for kinds in _classes(part.images).values() for kind in kinds} for part in (parts.test, parts.val)
    )
    for where, lacking in (("val", back - rest), ("what is held back", rest - back)):
        if lacking:
            names = ", ".join(whole.names[kind] for kind in sorted(lacking)[:5])
            more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
            yield f"Too few images show {names}{more}: {where} has none, and does not measure it."
