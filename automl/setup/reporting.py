"""The report on a study as a file: gather it, draw and predict what is missing, and write HTML or a zip file."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import automl
from automl import __version__
from automl.data import Dataset
from automl.errors import AutoMLError
from automl.files.home import expanded
from automl.files.shell import quoted, yolo_train
from automl.records import StudyRow, model_of, weights_for
from automl.reports.card import Line, lines_of_recipe
from automl.reports.chart import Chart
from automl.reports.study_content import StudyContent, content_of
from automl.reports.study_html import MARK, Photo, StudyPage
from automl.reports.study_plots import charts_of
from automl.setup import report_pictures
from automl.setup.data_request import check_output
from automl.setup.networks import data_of, truth_of
from automl.setup.report_files import ZIP_MARK, check_archive, write
from automl.setup.report_networks import Seen, seen_by
from automl.store.address import command

if TYPE_CHECKING:
    from sqlalchemy import Engine

SUFFIXES = (".html", ".htm", ".zip")
Say = Callable[[str], None]


@dataclass
class _Drawn:
    """What was drawn for the report, and sentences on what could not be."""

    charts: dict[str, Chart]
    photos: list[Photo] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)


def check_place(output: str | Path) -> Path:
    """The file of a report, absolute, if it can be written.

    Raises AutoMLError for another suffix, for a folder that is not there, and for a file that is no report of ours.
    """
    file = expanded(Path(output))
    if file.suffix.lower() not in SUFFIXES and not file.is_dir():
        raise AutoMLError(
            f"--output {output}: a report is one page or an archive. Name a file that ends in .html or .zip."
        )
    if file.suffix.lower() == ".zip":
        return check_archive(check_output(file, "output", (".zip",), ZIP_MARK), f"--output {output}")
    return check_output(file, "output", (".html", ".htm"), MARK.encode())


def report_study(engine: Engine, study: StudyRow, output: Path, *, predict: bool, say: Say) -> Path:
    """Write the report on a study to a file that `check_place` has allowed; its path.

    predict  False: predictions that are not kept yet are left out
    """
    write(page_of(engine, study, predict=predict, say=say), output)
    return output


def page_of(engine: Engine, study: StudyRow, *, predict: bool, say: Say) -> StudyPage:
    """The report on a study with everything that belongs to it."""
    content = content_of(engine, study)
    drawn = _Drawn(charts=charts_of(content))
    _draw_data(content, drawn, predict=predict, say=say)
    recipes, words = _recipes(engine, content)
    return StudyPage(
        content=content,
        charts={**drawn.charts, **drawn.seen.charts},
        networks=drawn.seen.networks,
        photos=tuple(drawn.photos),
        recipes=recipes,
        recipe_words=words,
        environment=tuple(environment(study)),
        missing=tuple(drawn.missing),
        further=tuple(_further(content, drawn)),
        at=time.time(),
    )


def _draw_data(content: StudyContent, drawn: _Drawn, *, predict: bool, say: Say) -> None:
    """Draw pictures of the data and of predictions, as far as data and weights are on this machine."""
    study = content.study
    if content.data is not None:
        drawn.photos += report_pictures.of_check(content.data)
    dataset = _dataset(study, drawn)
    if dataset is not None:
        _draw_labels(dataset, drawn)
        drawn.seen = seen_by(content, dataset, predict=predict, say=say)
        drawn.photos += drawn.seen.photos
        drawn.missing += drawn.seen.missing
    if not drawn.seen.networks:
        for training in content.trainings:
            drawn.photos += report_pictures.of_evaluation(study.spec.directory, training)


def _dataset(study: StudyRow, drawn: _Drawn) -> Dataset | None:
    if study.spec.trainer != "ultralytics":
        return None
    try:
        return data_of(study)
    except AutoMLError as error:
        reason = str(error).partition(". ")[0].rstrip(".")
        drawn.missing.append(f"Pictures of the data and of predictions are left out: {reason}.")
        return None


def _draw_labels(dataset: Dataset, drawn: _Drawn) -> None:
    """Draw what the data check has not: images with labels, and the maps of the boxes."""
    present = {photo.key for photo in drawn.photos}
    if "data-mosaic-train.jpg" not in present:
        drawn.photos.append(report_pictures.of_split(dataset, "train"))
    if "data-centres.png" not in present and len(dataset.train.images) <= report_pictures.MAPPED:
        drawn.charts |= {chart.key: chart for chart in report_pictures.maps(truth_of(dataset, "train"))}


def _recipes(engine: Engine, content: StudyContent) -> tuple[dict[str, str], str]:
    """Texts of the recipes by file name, and a sentence with the commands that write and train them."""
    from automl.recipes import recipe_text, subject_of

    study, texts = content.study, dict[str, str]()
    if study.spec.trainer != "ultralytics":
        return {}, f"The trainer '{study.spec.trainer}' trains no network, so its trials have no recipe."
    names = {"defaults": "hyp-defaults.yaml"}
    try:
        for training in reversed(content.trainings):
            file = Path(names.get(training.role, "hyp.yaml"))
            searched = training.searched
            subject = subject_of(engine, content.progress, searched, answer=lines_of_recipe(content.progress))
            weights = weights_for(study.spec, model_of(study.spec, searched.params))
            initial = None if weights is None else file.with_name(f"{file.stem}-init.pt")
            texts[file.name] = recipe_text(subject, file, "ultralytics", initial)
            if training.role != "defaults":
                texts["recipe.json"] = recipe_text(subject, Path("recipe.json"), "json", initial)
    except (AutoMLError, OSError) as error:
        return texts, f"The recipe could not be written here: {error}"
    export = quoted("automl", "export", study.name, "-o", "hyp.yaml")
    words = f"Write it where the study is with: {export}. Train it with: {yolo_train('hyp.yaml')}"
    return texts, words


def environment(study: StudyRow) -> Iterator[Line]:
    """Versions and machines: of the study, and of this report. Without names of machines or users."""
    spec = study.spec
    yield Line("search", ", ".join(f"{name} {version}" for name, version in spec.versions.items()) or "unknown")
    place = f"{spec.slots.count} × {'GPU' if spec.slots.device == 'gpu' else f'CPU, {spec.slots.threads} threads'}"
    yield Line("ran on", place)
    yield Line("models", f"{', '.join(spec.models)} at {', '.join(map(str, spec.imgsz))} px")
    yield Line("length", f"{spec.epochs} epochs, stopped at {', '.join(map(str, spec.rungs)) or 'no epoch'}")
    yield Line("sampler", f"{spec.sampler}, seed {spec.seed}")
    yield Line("budget", " / ".join(spec.budgets))
    yield Line("data", f"{spec.data} {spec.data_fingerprint}")
    system = f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"
    yield Line("this report", f"automl {__version__}, Python {platform.python_version()}, {system}")


def _further(content: StudyContent, drawn: _Drawn) -> Iterator[tuple[str, str]]:
    """Commands of this version that fill what the report lacks."""
    study = content.study
    if study.spec.trainer != "ultralytics":
        return
    if content.data is None:
        yield "Findings on the data", quoted("automl", "check", "--data", study.spec.data)
    if drawn.seen.left_out:
        yield "Curves, confusion and predictions", quoted("automl", "report", study.name, "-o", "report.html")
    lacking = (
        ("An ensemble", "ensemble", content.ensembles),
        ("Time of an image", "latency", content.latencies),
        ("Whether the figure holds", "verify", content.verifications),
    )
    for purpose, verb, results in lacking:
        if not results and verb in automl.__all__:
            yield purpose, command(verb, study.name, None)
