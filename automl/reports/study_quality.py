"""Figures and curves of one network's predictions on val, for the report on a study."""

from __future__ import annotations

from dataclasses import dataclass

from automl.records.ensemble import ClassFigures


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Quality of a network on the images of a split."""

    name: str
    split: str
    images: int
    map50_95: float
    map50: float
    precision: float
    recall: float
    f1: float
    confidence: float  # with the best F1
    classes: tuple[ClassFigures, ...] = ()
