"""The quick check at the start of a search: labels and headers always, pixels of small data sets."""

from __future__ import annotations

import time
from pathlib import Path

from automl.checks.report import report_of
from automl.checks.scan import Progress, scan
from automl.data.dataset import Dataset
from automl.records import DataReport

MOST_IMAGES = 20_000  # more than that are left to `automl check`: some 1,000 a second are read
MOST_PIXELS = 500  # images up to which their pixels are read too, some 150 a second


def fast_report(
    dataset: Dataset,
    *,
    test: bool = True,
    home: Path | None = None,
    fingerprint: str = "",
    progress: Progress = lambda what, done, total: None,
) -> DataReport | None:
    """The report on a data set that can be trained on, in seconds; None for one of more than MOST_IMAGES.

    test  False: the test split is not looked at
    home  folder of all studies, where facts are remembered; None: nowhere
    """
    splits = [name for name in dataset.splits if test or name != "test"]
    count = sum(len(dataset.splits[name].images) for name in splits)
    if count > MOST_IMAGES:
        return None
    began = time.monotonic()
    facts = scan(dataset.file, splits=splits, pixels=count <= MOST_PIXELS, home=home, progress=progress)
    return report_of(facts, fingerprint=fingerprint, seconds=time.monotonic() - began)
