from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from automl.data.dataset import Dataset, read_dataset
from automl.errors import AutoMLError, BadBudget, BudgetTooSmall, DataChanged
from automl.records import Correction, Price, Suspect, SuspectKind
from automl.setup import pricing
from tests.builders.suspects import suspect
from tests.builders.train_tiny import draw_data


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(draw_data(tmp_path / "own"))


def suspects(dataset: Dataset, count: int = 4, **changes: Any) -> list[Suspect]:
    """One of each kind, each in an image of its own."""
    images = dataset.train.images
    kinds = list(SuspectKind)
    lines = [None if kinds[number % 4] is SuspectKind.MISSING else 1 for number in range(count)]
    return [suspect(images[n], kinds[n % 4], lines[n], score=0.9 - 0.1 * n, **changes) for n in range(count)]


def price(dataset: Dataset, chosen: list[Suspect], tmp_path: Path, **changes: Any) -> Price:
    options: dict[str, Any] = {"epochs": 3, "imgsz": 64, "device": "cpu", "weights": "none", "trainer": "surrogate"}
    return pricing.price(dataset, chosen, home=tmp_path / "home", **{**options, **changes})


def digests(dataset: Dataset) -> dict[Path, str]:
    files = (file for file in dataset.file.parent.rglob("*") if file.is_file())
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_budget_pays_pairs_of_one_seed_each(dataset: Dataset, tmp_path: Path) -> None:
    found = price(dataset, suspects(dataset), tmp_path, budget=["6trials"], seed=5)
    assert found.seeds == (5, 6)
    assert {variant.correction: variant.seeds for variant in found.variants} == dict.fromkeys(Correction, (5, 6))


@pytest.mark.parametrize(("trials", "fixed", "dropped"), [(2, 1, 0), (4, 1, 1), (5, 2, 1)])
def test_no_training_is_begun_that_makes_no_pair(
    dataset: Dataset, tmp_path: Path, trials: int, fixed: int, dropped: int
) -> None:
    found = price(dataset, suspects(dataset), tmp_path, budget=[f"{trials}trials"])
    pairs = {variant.correction: len(variant.seeds) for variant in found.variants}
    assert (pairs.get(Correction.FIXED, 0), pairs.get(Correction.DROPPED, 0)) == (fixed, dropped)
    assert len(found.seeds) == fixed


def test_the_sentence_has_figure_interval_and_cost(dataset: Dataset, tmp_path: Path) -> None:
    found = price(dataset, suspects(dataset), tmp_path, budget=["2trials"])
    assert "The 4 most suspicious labels of train" in found.sentence
    assert "1 pair of trainings of 3 epochs of yolov5n at 64 px" in found.sentence
    assert "±" in found.sentence
    assert found.cost_s > 0
    assert not found.recorded


def test_the_most_suspicious_of_train_are_chosen(dataset: Dataset, tmp_path: Path) -> None:
    found = price(dataset, suspects(dataset), tmp_path, top=2)
    assert (found.k, dict(found.kinds)) == (2, {"missing": 1, "superfluous": 1})


def test_without_a_budget_the_figure_is_from_records_and_says_so(dataset: Dataset, tmp_path: Path) -> None:
    found = price(dataset, suspects(dataset), tmp_path)
    assert found.recorded
    assert "by recorded runs on other data" in found.sentence
    assert found.cost_s == 0
    assert not (tmp_path / "home").exists()


def test_a_budget_below_a_pair_falls_back_to_records_and_says_why(dataset: Dataset, tmp_path: Path) -> None:
    found = price(dataset, suspects(dataset), tmp_path, budget=["0.05s"])
    assert found.recorded
    assert found.variants == ()
    assert found.notes[-1].startswith(("The budget 0.05s does not pay two trainings", "The budget ended a training"))


def test_one_training_is_no_pair(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(BudgetTooSmall, match="needs two trainings"):
        price(dataset, suspects(dataset), tmp_path, budget=["1trial"])


@pytest.mark.parametrize("budget", ["much", "3gpu-h", "-1h"])
def test_a_budget_that_cannot_be_spent_is_refused(dataset: Dataset, tmp_path: Path, budget: str) -> None:
    with pytest.raises(BadBudget):
        price(dataset, suspects(dataset), tmp_path, budget=[budget])


@pytest.mark.parametrize("option", ["top", "imgsz", "epochs"])
def test_a_number_below_one_is_refused(dataset: Dataset, tmp_path: Path, option: str) -> None:
    with pytest.raises(AutoMLError, match="1 or more"):
        price(dataset, suspects(dataset), tmp_path, **{option: 0})


def test_val_is_never_changed(dataset: Dataset, tmp_path: Path) -> None:
    val = [suspect(image, SuspectKind.LOOSE, split="val") for image in dataset.val.images]
    found = price(dataset, val, tmp_path, budget=["6trials"])
    assert found.variants == ()
    assert found.sentence == "There is nothing to price: none of the suspects lies in train, and val is never changed."


def test_suspects_of_val_beside_those_of_train_are_told(dataset: Dataset, tmp_path: Path) -> None:
    val = suspect(dataset.val.images[0], SuspectKind.LOOSE, split="val")
    found = price(dataset, [*suspects(dataset), val], tmp_path)
    assert found.k == 4
    assert found.notes[0].startswith("1 suspicious label of val or test is left as it is")


def test_without_suspects_there_is_nothing_to_price(dataset: Dataset, tmp_path: Path) -> None:
    assert price(dataset, [], tmp_path, budget=["6trials"]).sentence.startswith("There are no suspicious labels")


def test_missing_labels_alone_are_only_fixed(dataset: Dataset, tmp_path: Path) -> None:
    missing = [suspect(image, SuspectKind.MISSING, None) for image in dataset.train.images[:3]]
    found = price(dataset, missing, tmp_path, budget=["2trials"])
    assert [variant.correction for variant in found.variants] == [Correction.FIXED]


def test_superfluous_labels_alone_are_trained_without_once(dataset: Dataset, tmp_path: Path) -> None:
    superfluous = [suspect(image, SuspectKind.SUPERFLUOUS) for image in dataset.train.images[:3]]
    found = price(dataset, superfluous, tmp_path, budget=["4trials"])
    assert [(variant.correction, len(variant.seeds)) for variant in found.variants] == [(Correction.FIXED, 2)]


def test_a_label_that_was_changed_since_ends_it_before_any_training(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataChanged, match="Run the check again"):
        price(
            dataset, [suspect(dataset.train.images[0], SuspectKind.LOOSE, label_class=9)], tmp_path, budget=["6trials"]
        )


def test_the_data_are_not_written_to_and_nothing_is_left(dataset: Dataset, tmp_path: Path) -> None:
    before = digests(dataset)
    price(dataset, suspects(dataset), tmp_path, budget=["3trials"])
    assert digests(dataset) == before
    assert list((tmp_path / "home").iterdir()) == []


def test_an_interruption_leaves_nothing_and_says_what_is_known(dataset: Dataset, tmp_path: Path) -> None:
    said: list[str] = []

    def interrupt(text: str) -> None:
        said.append(text)
        if len(said) == 4:
            raise KeyboardInterrupt

    found = price(dataset, suspects(dataset), tmp_path, budget=["9trials"], say=interrupt)
    assert found.interrupted
    assert [len(variant.seeds) for variant in found.variants] == [1, 1]
    assert found.sentence.endswith("Interrupted: that is what was known by then.")
    assert list((tmp_path / "home").iterdir()) == []


def test_an_interruption_before_a_pair_says_so(dataset: Dataset, tmp_path: Path) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    found = price(dataset, suspects(dataset), tmp_path, budget=["9trials"], say=interrupt)
    assert found.sentence.startswith("Interrupted before a pair of trainings was done.")


def test_a_training_that_fails_keeps_its_log(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match=r"a training of --price failed: .* See .*price-log\.txt"):
        price(dataset, suspects(dataset), tmp_path, budget=["9trials"], trainer="nobody")
    assert "nobody" in (tmp_path / "home" / "price-log.txt").read_text()
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["price-log.txt"]


@pytest.mark.slow
def test_real_trainings_stay_within_their_budget(dataset: Dataset, tmp_path: Path) -> None:
    network = str(dataset.file.parent / "network.yaml")
    options: dict[str, Any] = {"trainer": "ultralytics", "model": network, "epochs": 2, "budget": ["2trials"]}
    found = price(dataset, suspects(dataset), tmp_path, **options)
    assert [variant.seeds for variant in found.variants] == [(0,)]
    assert list((tmp_path / "home").iterdir()) == []
    cut = price(dataset, suspects(dataset), tmp_path, **{**options, "epochs": 1000, "budget": [f"{found.cost_s:.2f}s"]})
    assert cut.cost_s < 1.5 * found.cost_s
    assert cut.recorded
