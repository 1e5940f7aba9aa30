"""Rise of a curve along a line, with its noise: neighbouring epochs err alike, so they count for fewer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from automl.diagnosis.curves import Floats

FEWEST = 5  # epochs of a line


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Rise from the first to the last epoch of a part of a curve."""

    rise: float
    error: float  # standard error of it
    freedom: float

    def above(self, least: float) -> float:
        """Confidence that the rise is above this."""
        if self.error <= 0:
            return float(self.rise > least)
        return float(stdtr(self.freedom, (self.rise - least) / self.error))


def trend(values: Floats) -> Trend | None:
    """Trend of a part of a curve by least squares; None for a short one.

    The likeness of neighbours is that of the residuals, and divides the number of epochs.
    Source: Santer et al., "Statistical significance of trends", J. Geophys. Res. 105, 2000: effective sample size.
    """
    count = len(values)
    if count < FEWEST:
        return None
    place = np.linspace(-0.5, 0.5, count)
    slope = float(place @ values / (place @ place))
    residuals = values - values.mean() - slope * place
    square = float(residuals @ residuals)
    likeness = float(residuals[1:] @ residuals[:-1]) / square if square > 0 else 0.0
    likeness = min(0.9, max(0.0, likeness))
    freedom = max(1.0, count * (1 - likeness) / (1 + likeness) - 2)
    return Trend(rise=slope, error=float(np.sqrt(square / freedom / (place @ place))), freedom=freedom)
