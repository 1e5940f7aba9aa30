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
) -> DataReport:
    """The report with the labels that the baseline contradicts, and with their price where that is asked for.

    Data that cannot be trained on are not judged, and the report says so.
    """
    if request.baseline is None:
        return report
    try:
        dataset = read_dataset(report.data)
    except BadData as error:
        return replace(report, judged=f"No label was judged, since the data cannot be trained on yet: {error}")
    judgement = judge(
        dataset,
        request.baseline,
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
    left = [_left(Budget.parse(text), judgement) for text in request.budgets]
    priced = price(
        dataset,
        judgement.suspects,
        budget=[text for text in left if text],
        top=request.top,
        device=request.device,
        home=home,
        say=say,
        **network,
    )
    spent = "" if all(left) else f"The budget was spent on judging ({format_cost(judgement.slot_s, judgement.kind)})."
    return " ".join(filter(None, (priced.sentence, *priced.notes, spent)))


def _left(budget: Budget, judgement: Judgement) -> str:
    """Text of what judging has left of a budget; empty where nothing is left."""
    limit_s = budget.limit_s
    if limit_s is None:
        return budget.text
    left_s = limit_s - (judgement.slot_s if budget.slot_s is not None else judgement.wall_s)
    kind = f"{budget.device}-" if budget.slot_s is not None else ""
    return f"{left_s:.0f}{kind}s" if left_s >= 1 else ""
