"""Pictures of a report: label mosaics, plots of the labels, and the worst places of its findings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl.checks.facts import Facts, SplitFacts
from automl.checks.mosaics import mosaic, shown_places, worst
from automl.checks.plots import plots
from automl.data.labels import label_path
from automl.data.pixels import quiet
from automl.records import DataReport, Finding

if TYPE_CHECKING:
    from PIL import Image

MOSAIC = "mosaic-"  # beginning of the keys of mosaics; the split follows
_QUALITY = 82  # of JPEGs


def draw(report: DataReport, facts: Facts, folder: Path) -> DataReport:
    """The report with the names of its pictures, which then lie in the folder.

    Raises OSError where the folder cannot be written.
    """
    with quiet():
        images = _by_file(report.findings, facts)
        findings = [_with_picture(finding, number, images, folder) for number, finding in enumerate(report.findings)]
        mosaics = {
            f"{MOSAIC}{name}": _save(mosaic(split, facts.names), folder / f"{MOSAIC}{name}.jpg")
            for name, split in facts.splits.items()
            if split.images
        }
        return replace(report, findings=tuple(findings), plots={**report.plots, **mosaics, **plots(facts, folder)})


def _with_picture(finding: Finding, number: int, images: Mapping[str, tuple[SplitFacts, int]], folder: Path) -> Finding:
    shown = shown_places(finding.places, images)
    if not shown:
        return finding
    slug = re.sub(r"[^a-z0-9]+", "-", finding.code.lower())
    file = _save(worst(shown), folder / f"finding-{number:02}-{slug}.jpg")
    return replace(finding, pictures=(*finding.pictures, file))


def _by_file(findings: Sequence[Finding], facts: Facts) -> dict[str, tuple[SplitFacts, int]]:
    """Split and index of each image that a finding names, or whose label file it names."""
    wanted = {place.file for finding in findings for place in finding.places}
    images: dict[str, tuple[SplitFacts, int]] = {}
    for split in facts.splits.values():
        for index, image in enumerate(split.images):
            for file in (image, label_path(image)):
                if file in wanted:
                    images[file] = (split, index)
    return images


def _save(picture: Image.Image, file: Path) -> str:
    picture.save(file, quality=_QUALITY, optimize=True)
    return file.name
