"""Rules by which data choose image sizes and variants: `automl search` takes them, and `automl check` says them.

Variants for each deployment are those of the guide: https://docs.ultralytics.com/yolov5/tutorials/tips_for_best_training_results/
"""

from __future__ import annotations

from dataclasses import dataclass

from automl.checks.facts import SplitFacts
from automl.checks.figures import pixel_sides
from automl.data.boxes import MOST_IMAGES, BoxSizes, spread
from automl.figures import listed

FAMILY = ("yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x")  # from the smallest to the largest
DEPLOYMENTS = {"mobile": FAMILY[:3], "cloud": FAMILY[2:], "edge": FAMILY[:2]}
SIZE, LARGE = 640, 1280
SMALL_PX, SMALL_SHARE = 16, 0.2  # at SIZE: two cells of the finest stride; so many boxes make LARGE a candidate
NEEDED_PX, FEW = 32, 0.01  # a smaller size is a candidate if at it all boxes but a few have such a side
SMALLER = (480, 320)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Image sizes worth a search, SIZE first, and the sentence that says why; empty where SIZE is alone."""

    sizes: tuple[int, ...]
    why: str = ""


def sizes_for(boxes: BoxSizes) -> Sizes:
    """Image sizes worth a search."""
    small = boxes.under(SMALL_PX)
    if small >= SMALL_SHARE:
        words = f"{small:.0%} of the boxes are under {SMALL_PX} px at {boxes.at}: {LARGE} is a candidate."
        return Sizes(sizes=(SIZE, LARGE), why=words)
    needed = {size: NEEDED_PX * boxes.at / size for size in SMALLER}
    smaller = tuple(size for size in SMALLER if boxes.sides and boxes.under(needed[size]) <= FEW)
    if smaller:
        large = 1 - boxes.under(needed[smaller[-1]])
        verb = "are candidates" if len(smaller) > 1 else "is a candidate"
        words = (
            f"{large:.0%} of the boxes are over {needed[smaller[-1]]:.0f} px at {boxes.at}: "
            f"{listed([str(size) for size in smaller])} {verb} too."
        )
        return Sizes(sizes=(SIZE, *smaller), why=words)
    return Sizes(sizes=(SIZE,))


def box_sizes_of(train: SplitFacts, *, at: int = SIZE) -> BoxSizes:
    """Sides of the boxes in train, from the very images that a search looks at."""
    chosen = set(spread(range(len(train.images)), MOST_IMAGES))
    known = (train.width[train.box_image] > 0) & (train.height[train.box_image] > 0)
    owners = train.box_image[known].tolist()
    sides = zip(owners, pixel_sides(train, at).tolist(), strict=True)
    return BoxSizes(at=at, sides=tuple(sorted(side for owner, side in sides if owner in chosen)))
