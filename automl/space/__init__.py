"""Search spaces: parameters and their ranges, space files, and the recipes that a search begins with."""

from automl.space.parameters import (
    EPOCH_KEYS,
    KINDS,
    POINT,
    Parameter,
    SearchSpace,
    parameter_of,
    settle,
    trainer_key,
    without,
)

__all__ = [
    "EPOCH_KEYS",
    "KINDS",
    "POINT",
    "Parameter",
    "SearchSpace",
    "parameter_of",
    "settle",
    "trainer_key",
    "without",
]
