"""Charts of a study's report, from its content. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from automl.figures import cost_unit, score
from automl.records import DataReport
from automl.records.latency import Latency
from automl.reports.chart import Bars, Chart, Lines, Series
from automl.reports.study_content import ShownTraining, StudyContent

MOST_CLASSES = 30  # bars
DEFAULTS, FOUND = 0, 1  # colours
LOSSES = ("box_loss", "cls_loss", "dfl_loss")


def best_so_far(content: StudyContent) -> Lines:
    """Best score so far against cost, beside the score of the defaults."""
    progress = content.progress
    spent_s = sum(progress.spent_s.values())
    unit = cost_unit(spent_s, content.study.spec.slots.device)
    rises = progress.rises
    x = (*(rise.spent_s / unit.slot_s for rise in rises), spent_s / unit.slot_s)
    y = (*(rise.score for rise in rises), rises[-1].score if rises else 0.0)
    baseline = progress.baseline
    series = [Series(name="best so far", x=x, y=y, colour=FOUND, steps=True)]
    alt = f"Best score so far: {score(y[0])} after the first trial, {score(y[-1])} at the end."
    if baseline is not None and baseline.score is not None:
        level = (baseline.score, baseline.score)
        series.append(Series(name="the defaults' first run", x=(0.0, x[-1]), y=level, colour=DEFAULTS, dashed=True))
        alt += f" The defaults: {score(baseline.score)}."
    return Lines(
        key="best-so-far",
        title="Best so far against cost",
        alt=alt,
        x_label=f"spent ({unit.name})",
        y_label="mAP50-95 on val",
        series=tuple(series),
        x_range=(0.0, x[-1] or 1.0),
        y_range=_window([*y, *series[-1].y]),
        note="mAP50-95 of one seed: the mean of a trial's last epochs.",
    )


def _window(values: Sequence[float]) -> tuple[float, float]:
    """Range of the last values; first trials far below them stay outside."""
    last = values[-3:]
    low, high = min(last), max(last)
    span = max(high - low, 0.02)
    return max(0.0, low - 1.2 * span), high + 0.3 * span


def learning_curves(trainings: Sequence[ShownTraining]) -> Lines:
    """mAP50-95 on val by epoch, a line a training."""
    series = tuple(
        Series(
            name=training.name,
            x=tuple(float(epoch.epoch) for epoch in training.epochs),
            y=tuple(epoch.map50_95 for epoch in training.epochs),
            colour=place,
        )
        for place, training in enumerate(trainings)
    )
    ends = "; ".join(f"{one.name}: best {score(max(one.y))}" for one in series if one.y)
    return Lines(
        key="learning-curves",
        title="Learning curves",
        alt=f"mAP50-95 on val by epoch. {ends}.",
        x_label="epoch",
        y_label="mAP50-95 on val",
        series=series,
    )


def results(trainings: Sequence[ShownTraining]) -> Iterator[Lines]:
    """What Ultralytics draws as results.png: losses on train and val, precision and recall."""
    for loss in LOSSES:
        series = [
            Series(
                name=f"{training.name}, {split}",
                x=tuple(float(epoch.epoch) for epoch in training.epochs),
                y=tuple(epoch.losses.get(f"{split}/{loss}", float("nan")) for epoch in training.epochs),
                colour=place,
                dashed=split == "val",
            )
            for place, training in enumerate(trainings)
            for split in ("train", "val")
            if any(f"{split}/{loss}" in epoch.losses for epoch in training.epochs)
        ]
        if series:
            yield Lines(
                key=f"losses-{loss.partition('_')[0]}",
                title=f"Loss: {loss.partition('_')[0]}",
                alt=f"{loss} by epoch, on train and on val.",
                x_label="epoch",
                y_label=loss,
                series=tuple(series),
            )
    yield Lines(
        key="precision-recall-by-epoch",
        title="Precision and recall",
        alt="Precision and recall on val by epoch.",
        x_label="epoch",
        y_label="share",
        y_range=(0.0, 1.0),
        series=tuple(
            Series(
                name=f"{training.name}, {figure}",
                x=tuple(float(epoch.epoch) for epoch in training.epochs),
                y=tuple(getattr(epoch, figure) for epoch in training.epochs),
                colour=place,
                dashed=figure == "recall",
            )
            for place, training in enumerate(trainings)
            for figure in ("precision", "recall")
        ),
    )


def importance(shares: Mapping[str, float]) -> Bars:
    """Share of each parameter in what separates the best trials from the rest."""
    first = ", ".join(f"{name} {share:.0%}" for name, share in list(shares.items())[:3])
    return Bars(
        key="importances",
        title="What separates the best trials",
        alt=f"Importances of the parameters, largest first: {first}.",
        names=tuple(shares),
        values=tuple(shares.values()),
        texts=tuple(f"{share:.0%}" for share in shares.values()),
    )


def classes(report: DataReport) -> Bars | None:
    """Labelled objects of each class, over all splits; None where they were not counted."""
    counts = [split.get("boxes_by_class") for split in report.splits.values()]
    usable = [count for count in counts if isinstance(count, list | tuple) and len(count) == len(report.names)]
    if not usable or not report.names:
        return None
    totals = [sum(values) for values in zip(*usable, strict=True)]
    order = sorted(range(len(totals)), key=lambda kind: (-totals[kind], kind))[:MOST_CLASSES]
    rest = len(totals) - len(order)
    return Bars(
        key="classes",
        title="Labelled objects of each class",
        alt=f"Objects by class: {', '.join(f'{report.names[kind]} {totals[kind]:,}' for kind in order[:5])}.",
        names=tuple(report.names[kind] or str(kind) for kind in order),
        values=tuple(float(totals[kind]) for kind in order),
        texts=tuple(f"{totals[kind]:,}" for kind in order),
        note=f"The {len(order)} most frequent of {len(totals)} classes." if rest else "",
    )


def pareto(latencies: Sequence[Latency]) -> Lines | None:
    """mAP50-95 against the measured time of an image; None with fewer than two points that have both."""
    known = [latency for latency in latencies if latency.map50_95 is not None]
    if len(known) < 2:
        return None
    return Lines(
        key="latency",
        title="mAP50-95 against the time of an image",
        alt="; ".join(f"{_point(latency)}: {latency.median_ms:.1f} ms, {score(latency.map50_95)}" for latency in known),
        x_label="ms an image (median, batch 1)",
        y_label="mAP50-95 on val",
        series=(
            Series(
                name="",
                x=tuple(latency.median_ms for latency in known),
                y=tuple(float(latency.map50_95 or 0.0) for latency in known),
                colour=FOUND,
                points=True,
                names=tuple(map(_point, known)),
            ),
        ),
    )


def _point(latency: Latency) -> str:
    return f"{latency.name}, {latency.engine} {latency.precision}"


def charts_of(content: StudyContent) -> dict[str, Chart]:
    """Charts that the content has figures for, by key."""
    charts: list[Chart] = [best_so_far(content), learning_curves(content.trainings), *results(content.trainings)]
    if content.importances:
        charts.append(importance(content.importances))
    counted = None if content.data is None else classes(content.data.report)
    front = pareto(content.latencies)
    return {chart.key: chart for chart in (*charts, counted, front) if chart is not None}
