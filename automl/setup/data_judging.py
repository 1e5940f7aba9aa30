"""The part of a data check that needs a trained model: suspicious labels, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from automl.costs.budget import Budget
from automl.data.dataset import Dataset, read_dataset
from automl.errors import BadData
from automl.figures import format_cost
from automl.records import DataReport
from automl.setup.baseline import find_baseline
from automl.setup.data_request import CheckRequest
from automl.setup.judging import Judgement, judge
from automl.setup.pricing import price


def judged(
    report: DataReport, request: CheckRequest, *, home: Path, db: str | None, say: Callable[[str], None]
) -> DataReport | None:
    """The report with the labels that the baseline contradicts, and with their price where that is asked for.

    None for data that cannot be trained on: they cannot be judged either.
    """
    try:
        dataset = read_dataset(report.data)
    except BadData:
        return None
    judgement = judge(
        dataset,
        str(request.baseline),
        home=home,
        db=db,
        budget=request.budgets,
        splits=request.splits,
        device=request.device,
        say=say,
    )
    report = replace(report, suspects=judgement.suspects, judged=judgement.judged)
    if not request.price:
        return report
    if not judgement.train:
        return replace(report, price="Nothing was priced: train was not judged, and labels of val are never changed.")
    return replace(report, price=_price(dataset, judgement, request, home, db, say))


def _price(
    dataset: Dataset,
    judgement: Judgement,
    request: CheckRequest,
    home: Path,
    db: str | None,
    say: Callable[[str], None],
) -> str:
    """Sentences on what the suspects cost: with the network of the baseline, by what is left of the budget."""
    recipe = find_baseline(str(request.baseline), home=home, db=db).recipe
    network: dict[str, Any] = {}
    if recipe is not None:
        model = recipe.network or str(recipe.params["model"])
        network = {"model": model, "imgsz": recipe.imgsz, "weights": recipe.weights or "none"}
    left = [left_of(Budget.parse(text), judgement) for text in request.budgets]
    priced = price(
        dataset,
        judgement.suspects,
        budget=left if all(left) else (),
        top=request.top,
        device=request.device,
        home=home,
        say=say,
        **network,
    )
    spent = "" if all(left) else f"The budget was spent on judging ({format_cost(judgement.slot_s, judgement.kind)})."
    return " ".join(filter(None, (priced.sentence, *priced.notes, spent)))


def left_of(budget: Budget, judgement: Judgement) -> str:
    """Text of what judging has left of a budget; empty where nothing is left."""
    limit_s = budget.limit_s
    if limit_s is None:
        return budget.text
    left_s = limit_s - (judgement.slot_s if budget.slot_s is not None else judgement.wall_s)
    kind = f"{budget.device}-" if budget.slot_s is not None else ""
    return f"{left_s:.0f}{kind}s" if left_s >= 1 else ""
