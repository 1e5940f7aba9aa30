"""The report on a study as a page: its parts, what is left out, and what strangers must not read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from automl.errors import StudyConflict
from automl.records import Severity
from automl.records.document import DocumentKind
from automl.records.ensemble import ClassFigures, Combination, CombinationKind, EnsembleResult, Member, SplitFigures
from automl.records.latency import Latency
from automl.records.verification import Verification
from automl.reports.study_content import TOP, content_of
from automl.reports.study_html import MARK, MOST_BYTES, Photo, StudyPage, html_of
from automl.reports.study_plots import charts_of
from automl.store import bulk, documents
from automl.store.checks import keep
from automl.store.engine import open_store
from tests.builders.data_reports import data_report, finding, places
from tests.builders.factories import make_row, make_study
from tests.builders.reported import NAME, stored

ODD = '<script>alert("x")</script>'


def page_of(home: Path, **study: object) -> StudyPage:
    engine, row = stored(home, **study)  # type: ignore[arg-type]
    content = content_of(engine, row)
    return StudyPage(content=content, charts=charts_of(content))


def headings(html: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)</h2>", html)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> StudyPage:
    return page_of(tmp_path_factory.mktemp("report"))


def test_a_report_begins_with_the_answer_and_has_its_parts(page: StudyPage) -> None:
    html = html_of(page)
    assert html.startswith(MARK)
    assert html.index("best found") < html.index("<h2>")
    assert headings(html) == [
        "How the search went",
        "Best trials",
        "What mattered",
        "Training curves",
        "Diagnoses",
        "Recipe",
        "Environment",
        "Words",
    ]


def test_a_report_loads_nothing_from_a_network(page: StudyPage) -> None:
    html = html_of(page)
    assert re.findall(r"(?:src|href)=\"(?!#|data:)", html) == []
    assert "<script" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_every_chart_says_what_it_shows(page: StudyPage) -> None:
    labels = re.findall(r'<svg class="chart" role="img" aria-label="([^"]*)"', html_of(page))
    assert len(labels) == len(page.charts)
    assert all(labels)


def test_the_leaderboard_is_cut_with_a_sentence(page: StudyPage) -> None:
    html = html_of(page)
    assert f"The best {TOP} of " in html
    assert len(page.content.board) < 30


def test_a_small_study_is_shown_whole(tmp_path: Path) -> None:
    assert "The best" not in html_of(page_of(tmp_path, trials=12)).partition("<h2>Best trials")[2][:600]


def test_a_running_study_says_that_it_runs(tmp_path: Path) -> None:
    assert "This study is still running." in html_of(page_of(tmp_path, running=True))


def test_a_finished_study_does_not_say_so(page: StudyPage) -> None:
    assert "still running" not in html_of(page)


def test_a_study_without_a_score_is_refused(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    bulk.write_study(engine, make_study(), [make_row(0, None)])
    with pytest.raises(StudyConflict, match="nothing to report yet"):
        content_of(engine, make_study())


def test_home_folders_are_not_in_it(page: StudyPage) -> None:
    html = html_of(
        replace(page, missing=("/home/ann/cells/data.yaml is gone.",), recipes={"hyp.yaml": "data: /home/ann/a"})
    )
    assert "/home/ann" not in html
    assert "~/cells/data.yaml is gone." in html


def test_names_of_strangers_are_escaped(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    worst = finding(Severity.ERROR, f"{ODD} is wrong.", places=places(5))
    keep(engine, data_report(worst, data=row.spec.data, names=(ODD, "b"), splits={"train": {"boxes_by_class": [3, 4]}}))
    content = content_of(engine, row)
    html = html_of(StudyPage(content=content, charts=charts_of(content)))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 2  # in the finding, and beside the bars


def test_the_data_check_is_shown_with_its_first_findings(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    keep(engine, data_report(*(finding(title=f"Finding {n}.") for n in range(20)), data=row.spec.data))
    content = content_of(engine, row)
    html = html_of(StudyPage(content=content, charts=charts_of(content)))
    assert "Warning: Finding 11." in html
    assert "Finding 12." not in html
    assert "8 more findings" in html


def member(trial: int) -> Member:
    return Member(study=NAME, trial=trial, model="yolov5n", imgsz=160, weights="best.pt", sha256="0", weight=2.0)


def figures() -> SplitFigures:
    return SplitFigures(
        on="test",
        images=72,
        map50_95=0.5,
        map50=0.7,
        low=0.45,
        high=0.55,
        gain=0.02,
        gain_low=-0.01,
        gain_high=0.05,
        chance=0.9,
        classes=(ClassFigures(name=ODD, objects=3, map50_95=0.1, map50=0.2, gain=0.01),),
    )


def latency(name: str, milliseconds: float) -> Latency:
    return Latency(
        name=name,
        trial=1,
        sha256="0",
        engine="onnx",
        precision="fp32",
        model="yolov5n",
        imgsz=160,
        device="a CPU",
        threads=2,
        median_ms=milliseconds,
        p95_ms=milliseconds,
        pre_ms=1,
        network_ms=2,
        post_ms=3,
        memory_bytes=1,
        repeats=10,
        map50_95=0.4,
    )


def test_ensembles_latencies_and_verifications_are_shown(tmp_path: Path) -> None:
    engine, row = stored(tmp_path)
    chosen = Combination(kind=CombinationKind.ENSEMBLE, members=(member(1), member(2)), figures=(figures(),))
    best = Combination(kind=CombinationKind.SINGLE, members=(member(1),))
    result = EnsembleResult(study=NAME, chosen=chosen, best_member=best, notes=("trial 9 was left out.",))
    documents.keep(engine, NAME, DocumentKind.ENSEMBLE, "a", result)
    for place, speed in enumerate((3.0, 9.0)):
        documents.keep(engine, NAME, DocumentKind.LATENCY, str(place), latency(f"trial {place}", speed))
    check = Verification(
        recipe="hyp.yaml",
        epochs=30,
        promised=0.4,
        low=0.38,
        high=0.42,
        scores=(0.41,),
        seeds=(7,),
        holds=True,
        sentence="It lies within.",
    )
    documents.keep(engine, NAME, DocumentKind.VERIFICATION, "a", check)
    content = content_of(engine, row)
    html = html_of(StudyPage(content=content, charts=charts_of(content)))
    assert {"Ensembles and averaged weights", "Latency", "Verification"} <= set(headings(html))
    assert "trial 2 of wheat (yolov5n@160, weight 2)" in html
    assert "+0.020 [-0.010, +0.050]" in html
    assert "mAP50-95 against the time of an image" in html
    assert "It holds: hyp.yaml" in html


def photo(size: int) -> Photo:
    return Photo(key="data-mosaic-train.jpg", title="Images", look_for="", alt="Images of train.", content=b"x" * size)


def test_pictures_that_are_too_large_together_are_left_out(page: StudyPage) -> None:
    html = html_of(replace(page, photos=(photo(MOST_BYTES - 5), photo(6))))
    assert html.count("data:image/jpeg;base64,") == 1
    assert "Left out to keep this file small" in html
    assert len(html) < 5_000_000
