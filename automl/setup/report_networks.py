"""Quality of a study's networks for its report, from their predictions on val."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from automl.data import Dataset
from automl.reports.chart import Chart
from automl.reports.study_content import StudyContent
from automl.reports.study_html import Photo
from automl.reports.study_quality import Quality


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the networks see on val."""

    qualities: tuple[Quality, ...] = ()
    charts: dict[str, Chart] = field(default_factory=dict)
    photos: tuple[Photo, ...] = ()
    missing: tuple[str, ...] = ()  # sentences on networks that are left out
    left_out: bool = False  # True: predictions were not to be made


def seen_by(content: StudyContent, dataset: Dataset, *, predict: bool, say: Callable[[str], None]) -> Seen:
    """Quality of the defaults' network and of that of the best recipe found."""
    return Seen()
