"""Search spaces: parameters and their ranges, space files, and the first recipes of a search."""

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
