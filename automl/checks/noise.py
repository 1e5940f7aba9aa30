"""Noise of mAP50-95 that a val split of some size has: how small a gain can be told from chance.

The AP of a class moves like a mean over the images that show it, and mAP50-95 like the mean over classes. So the
standard error is PER_IMAGE * sqrt(sum of 1 / n over the classes) / classes, where n is the images with a class. The
boxes of one image do not count one by one: they are found or missed together.

PER_IMAGE is measured by the bootstrap over images of `automl.scores.resample`, on recorded detections: .16 for BCCD's
red cells on 83 val images (11 a piece; .54 were the boxes independent) and .19 for its white cells, .21 to .22 on the
demo's 80 test images with mAP50-95 of .53 to .64, .23 on 7 images. A class that the network has hardly learnt moves
less. The gain of one recipe over another on the same images had .9 to 1.0 times the standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from automl.checks.facts import SplitFacts
from automl.checks.figures import images_of, instances

PER_IMAGE = 0.2
BETWEEN_SEEDS = 0.01  # standard deviation of the score over seeds of one recipe; see `automl.scores.trust`
WITHIN = 1.645  # standard errors to either side that hold 90 %
FINE = 0.01  # a gain that searches are after


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard errors on one split, in mAP50-95."""

    images: int
    objects: int
    classes: int  # that have objects there
    score: float  # of a score, by other images of the same kind
    gain: float  # of one recipe over another, each trained once, by other images and other seeds

    @property
    def margin(self) -> float:
        """Half of the 90 % interval of a score."""
        return WITHIN * self.score

    @property
    def least(self) -> float:
        """Smallest gain that stands out of the noise, each recipe trained once."""
        return WITHIN * self.gain

    @property
    def needed(self) -> int:
        """Images of this kind, in two digits, of which some number of seeds lets FINE stand out."""
        count = self.images * (WITHIN * self.score / FINE) ** 2
        digits = int(10 ** max(0, math.floor(math.log10(count)) - 1))
        return math.ceil(count / digits) * digits

    @property
    def seeds(self) -> int:
        """Seeds of each recipe from which FINE stands out; 0 if the images are too few for any number of them."""
        left = (FINE / WITHIN) ** 2 - self.score**2
        return math.ceil(2 * BETWEEN_SEEDS**2 / left) if left > 0 else 0


def noise_of(split: SplitFacts, nc: int) -> Noise | None:
    """Noise on a split; None without objects."""
    objects = instances(split, nc)
    used = objects > 0
    if not used.any():
        return None
    images = images_of(split, nc)[used]
    score = PER_IMAGE * math.sqrt(float((1 / images).sum())) / len(images)
    return Noise(
        images=len(split.images),
        objects=int(objects.sum()),
        classes=int(used.sum()),
        score=score,
        gain=math.hypot(score, math.sqrt(2) * BETWEEN_SEEDS),
    )
