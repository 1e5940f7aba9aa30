"""Results about trained networks on the page: ensembles, soups, verifications, diagnoses, latencies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from automl.records import Purpose
from automl.records.diagnosis import Symptom
from automl.records.document import DocumentKind
from automl.records.ensemble import CombinationKind
from automl.store import documents
from automl.store.engine import open_store
from tests.builders.app import Fill, show, text, unharmed
from tests.builders.pages import EVIL, curve, fill_birds
from tests.builders.results import (
    draw_ensemble_pictures,
    keep_results,
    make_diagnosis,
    make_ensemble,
    make_member,
    make_soup,
    make_verification,
    make_way,
)


@pytest.fixture
def birds(fill: Fill, url: str) -> Any:
    """The study of all kinds of trials, with every kind of result; returns its database."""
    filler = fill()
    fill_birds(filler)
    filler.close()
    engine = open_store(url)
    keep_results(engine, "birds")
    yield engine
    engine.dispose()


def chart_titles(app: AppTest) -> str:
    return " ".join(chart.proto.spec for chart in app.get("vega_lite_chart"))


def shown(app: AppTest) -> list[Any]:
    """Pictures on the page."""
    return [image for element in app.get("image") for image in element.proto.imgs]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_a_study_without_an_ensemble_says_the_command(fill: Fill) -> None:
    fill(trainer="ultralytics").close()
    app = unharmed(show("ensembles"))
    assert "no ensemble and no soup yet" in text(app)
    assert "automl ensemble birds" in text(app)


def test_a_study_whose_trainer_has_no_networks_says_so(fill: Fill) -> None:
    fill().close()
    app = unharmed(show("ensembles"))
    assert "trains no network" in text(app)
    assert not app.get("code") or "automl ensemble" not in text(app)


def test_an_ensemble_shows_members_gain_and_cost(birds: Any) -> None:
    app = unharmed(show("ensembles"))
    assert "Trial 3 + trial 6 + trial 9 with TTA" in text(app)
    assert "+0.015 [-0.005, +0.035], 87% sure on other half of val (43 images)" in text(app)
    assert "on test (72 images)" in text(app)
    assert metrics(app)["mAP50-95 on other half of val"] == "0.461"
    assert metrics(app)["Gain on its best member"] == "+0.015"
    assert metrics(app)["Latency"] == "38.0 ms (4.8x)"
    assert metrics(app)["Memory"] == "240 MiB"
    members, figures, costs, classes = (table.value for table in app.dataframe)
    assert list(members["member"]) == ["trial 3", "trial 6", "trial 9 with TTA"]
    assert list(members["weight"]) == [0.5, 0.25, 0.25]
    assert list(figures["on"]) == ["half of val that chose", "other half of val", "test"]
    assert list(costs["median ms"]) == [38.0, 8.0]
    assert list(classes["class"]) == ["wren *", "robin"]
    assert "Pareto front" in chart_titles(app)
    assert "Trial 12 was left out" in text(app)


def test_the_figures_by_class_are_those_of_the_chosen_images(birds: Any) -> None:
    app = unharmed(show("ensembles"))
    before = list(app.dataframe[3].value["mAP50-95"])
    assert before == pytest.approx([0.361, 0.561])
    documents.keep(birds, "birds", DocumentKind.ENSEMBLE, "ensemble", make_ensemble(notes=(EVIL,)))
    assert EVIL.split(maxsplit=1)[0] in text(unharmed(app.run()))


def test_a_soup_is_chosen_from_the_results(birds: Any) -> None:
    app = unharmed(show("ensembles"))
    assert len(app.selectbox(key="result").options) == 2
    app.selectbox(key="result").select_index(1)
    app = unharmed(app.run())
    assert "Soup of trial 3 and trial 6" in text(app)
    assert metrics(app)["Latency"] == "8.0 ms (1.0x)"


def test_a_result_without_a_gain_says_that_one_network_stays(birds: Any) -> None:
    best = make_way(CombinationKind.SINGLE, make_member(3), score=0.446, ms=8.0)
    alone = make_ensemble(chosen=best, best_member=best, front=(), others=(), at=2e9)
    documents.keep(birds, "birds", DocumentKind.ENSEMBLE, "ensemble", alone)
    assert "Nothing that was tried scores above trial 3 alone" in text(unharmed(show("ensembles")))


def test_a_result_without_latency_and_figures_is_shown(birds: Any) -> None:
    bare = make_way(CombinationKind.ENSEMBLE, make_member(3), make_member(6, study="cells"), score=0.4, ms=1.0)
    bare = type(bare)(kind=bare.kind, members=bare.members)
    documents.keep(birds, "birds", DocumentKind.ENSEMBLE, "ensemble", make_ensemble(chosen=bare, front=(), at=2e9))
    app = unharmed(show("ensembles"))
    assert "measured on no images" in text(app)
    assert list(app.dataframe[0].value["member"]) == ["trial 3", "trial 6 of cells"]
    assert metrics(app)["Latency"] == "not measured"


def test_results_of_another_version_are_counted(birds: Any) -> None:
    documents.keep(birds, "birds", DocumentKind.ENSEMBLE, "odd", make_verification())
    assert "1 kept results were written by another version" in text(unharmed(show("ensembles")))


def test_pictures_of_the_studys_own_folder_are_shown(birds: Any, tmp_path: Path) -> None:
    study = tmp_path / "runs" / "birds"
    assert not shown(unharmed(show("ensembles")))
    files = draw_ensemble_pictures(study, "ensemble", 3)
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(files[0].read_bytes())
    (files[0].parent / "ensemble-99.jpg").symlink_to(outside)
    app = unharmed(show("ensembles"))
    assert len(shown(app)) == 3
    assert "Right where its best member is wrong" in [header.value for header in app.subheader]


def test_verifications_are_on_the_overview(birds: Any) -> None:
    app = unharmed(show("study"))
    table = next(table.value for table in app.dataframe if "promised" in table.value)
    assert list(table["result"]) == ["✓ holds"]
    assert list(table["further trainings"]) == ["0.491, 0.502"]
    broken = make_verification(holds=False, sentence="the figure does not hold.", at=2e9)
    documents.keep(birds, "birds", DocumentKind.VERIFICATION, "second", broken)
    app = unharmed(show("study"))
    table = next(table.value for table in app.dataframe if "promised" in table.value)
    assert list(table["result"]) == ["✕ does not hold", "✓ holds"]


def test_a_study_that_was_never_verified_says_the_command(fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    assert "automl verify birds" in text(unharmed(show("study", details="true")))


def test_a_diagnosis_is_on_its_trial_and_the_surest_on_the_overview(
    birds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        make_diagnosis(3),
        make_diagnosis(3, Symptom.RECALL, confidence=0.6, epoch=None, sentence=EVIL),
        make_diagnosis(0, Symptom.RISING, confidence=0.95, epoch=None),
        make_diagnosis(0, Symptom.SMALL, confidence=0.5, epoch=None),
    ]
    monkeypatch.setattr(
        "dashboards.results.diagnoses",
        lambda study, trial=None: [one for one in made if trial is None or one.trial == trial],
    )
    app = text(unharmed(show("trial", trial="3")))
    assert "Over-fits since epoch 6 (87% sure)" in app
    assert "Next: More augmentation" in app
    assert "Still rising" not in app
    overview = text(unharmed(show("study")))
    assert overview.index("Trial 0: Still rising (95% sure)") < overview.index("Trial 3: Over-fits since epoch 6")
    assert "Small objects missed" not in overview


def test_a_trial_of_a_network_names_the_command_that_looks_at_its_predictions(fill: Fill) -> None:
    filler = fill(trainer="ultralytics")
    filler.trial(0, curve(0.4))
    filler.close()
    assert "automl diagnose birds --trial 0" in text(unharmed(show("trial", trial="0")))


def test_measured_latencies_are_points_of_the_insight(birds: Any) -> None:
    app = unharmed(show("study", tab="Insight"))
    assert "against measured latency" in chart_titles(app)
    assert "Measured on AMD EPYC" in text(app)
    assert "it has no plan with probes" not in text(app)


def test_a_study_without_measured_latencies_says_the_command(fill: Fill) -> None:
    filler = fill(trainer="ultralytics")
    fill_birds(filler)
    filler.close()
    assert "automl latency birds" in text(unharmed(show("study", tab="Insight")))


def test_the_searchs_curve_lies_beside_the_production_training(fill: Fill) -> None:
    filler = fill(train=20)
    filler.trial(0, curve(0.4))
    filler.trial(1, curve(0.5))
    filler.trial(2, curve(0.6, 20), repeats=1, purpose=Purpose.PRODUCTION, epochs=20)
    filler.close()
    titles = chart_titles(unharmed(show("study")))
    assert "dashed: the search's" in titles


def test_a_soup_alone_fills_the_page(fill: Fill, url: str) -> None:
    fill().close()
    engine = open_store(url)
    documents.keep(engine, "birds", DocumentKind.SOUP, "soup", make_soup())
    engine.dispose()
    assert "Soup of trial 3 and trial 6" in text(unharmed(show("ensembles")))
