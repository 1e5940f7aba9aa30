"""Results about a study's trained networks that the store keeps as documents: latency, ensembles, diagnoses ..."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DocumentKind(StrEnum):
    """Kind of a kept result."""

    LATENCY = "latency"  # of one network, engine, precision and device
    ENSEMBLE = "ensemble"  # choice of members whose predictions are fused
    SOUP = "soup"  # one network averaged from several
    DIAGNOSIS = "diagnosis"  # of one trial, from its predictions
    VERIFICATION = "verification"  # further trainings of a recipe, and whether its figure holds


@dataclass(frozen=True, kw_only=True)
class DocumentRow:
    """One kept result. A later one with the same kind and key has replaced it."""

    study: str
    kind: DocumentKind
    key: str
    at: float  # POSIX seconds
    version: str  # of automl
    content: Mapping[str, Any]  # the record as JSON values
