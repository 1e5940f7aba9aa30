"""Gaussian-process regression on the unit cube, with noise that depends on how far a trial was trained.

Sources: Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006 (algorithm 2.1, equation 5.9);
Hvarfner, Hellsten & Nardi, "Vanilla Bayesian Optimization Performs Great in High Dimensions", ICML 2024, for
a prior on lengthscales that grows with the dimension.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

_ROOT5 = math.sqrt(5.0)
_LOG_LIMITS = (-7.0, 5.0)  # of every logarithm of a hyperparameter
_JITTER = 1e-8


@dataclass(frozen=True)
class Observations:
    """Input of the regression.

    inputs   [n, c] encoded configurations
    groups   [c]    index of the lengthscale of a column; the columns of one category share theirs
    values   [n]    standardised scores, higher is better
    missing  [n]    share of the training that did not run, in [0, 1): extrapolated scores are less certain
    """

    inputs: Array
    groups: NDArray[np.intp]
    values: Array
    missing: Array


class Regression:
    """A Gaussian process with a Matérn-5/2 kernel and one lengthscale for each dimension.

    theta  [g + 3] logarithms: g lengthscales, signal variance, noise variance of a whole training, and the
           noise variance that a shorter one adds, times its missing share
    """

    def __init__(self, observations: Observations, theta: Array) -> None:
        self.observations = observations
        self.theta = theta
        covariance = _kernel(observations.inputs, observations.inputs, observations.groups, theta)
        covariance[np.diag_indices_from(covariance)] += _noise(observations.missing, theta)
        self._factor = cholesky(covariance, lower=True)
        ones = cho_solve((self._factor, True), np.ones(len(observations.values)))
        self.mean = float(ones @ observations.values / ones.sum())
        self._weights = cho_solve((self._factor, True), observations.values - self.mean)

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean [m] and standard deviation [m] of the noise-free score of whole trainings at `inputs` [m, c]."""
        cross = _kernel(inputs, self.observations.inputs, self.observations.groups, self.theta)
        half = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = np.exp(self.theta[-3]) - np.einsum("ij,ij->j", half, half)
        return self.mean + cross @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    def believing(self, inputs: Array) -> Regression:
        """The regression as if whole trainings at `inputs` [m, c] had scored what it expects of them.

        Source: Ginsbourger, Le Riche & Carraro, "Kriging is well-suited to parallelize optimization", 2010.
        """
        if not len(inputs):
            return self
        expected, _ = self.predict(inputs)
        observations = Observations(
            np.vstack([self.observations.inputs, inputs]),
            self.observations.groups,
            np.concatenate([self.observations.values, expected]),
            np.concatenate([self.observations.missing, np.zeros(len(inputs))]),
        )
        return Regression(observations, self.theta)


def fit(observations: Observations) -> Array:
    """Hyperparameters [g + 3] of highest posterior density, by L-BFGS from the middle of the prior."""
    dimensions = int(observations.groups.max()) + 1
    middle, width = _prior(dimensions)
    optimum = minimize(
        _loss,
        middle,
        args=(observations, middle, width),
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_LIMITS] * len(middle),
        options={"maxiter": 40},
    )
    return np.asarray(optimum.x)


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Logarithm of the expected improvement [m] over `best`; finite also where the chance is tiny.

    Source: Jones, Schonlau & Welch, "Efficient Global Optimization", 1998; its logarithm as in Ament et al.,
    "Unexpected Improvements to Expected Improvement", NeurIPS 2023.
    """
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    tail = density + z * _normal_cdf(z)
    far = z < -5.0
    result = np.empty_like(z)
    result[~far] = np.log(np.maximum(tail[~far], 1e-300))
    away = z[far]
    result[far] = -0.5 * away * away - 0.5 * math.log(2 * math.pi) - 2 * np.log(-away)
    return np.asarray(result + np.log(deviation))


def _normal_cdf(z: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _prior(dimensions: int) -> tuple[Array, Array]:
    """Means and standard deviations [g + 3] of the normal priors on the logarithms."""
    middle = np.concatenate([np.full(dimensions, math.log(0.8) + 0.5 * math.log(dimensions)), [0.0, -2.0, -2.0]])
    width = np.concatenate([np.full(dimensions, 1.0), [0.7, 1.5, 1.5]])
    return middle, width


def _noise(missing: Array, theta: Array) -> Array:
    return np.asarray(np.exp(theta[-2]) + np.exp(theta[-1]) * missing + _JITTER)


def _distance(left: Array, right: Array) -> Array:
    squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * left @ right.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _kernel(left: Array, right: Array, groups: NDArray[np.intp], theta: Array) -> Array:
    scale = np.exp(-theta[:-3])[groups]
    distance = _ROOT5 * _distance(left * scale, right * scale)
    return np.asarray(np.exp(theta[-3]) * (1 + distance + distance**2 / 3) * np.exp(-distance))


def _loss(theta: Array, observations: Observations, middle: Array, width: Array) -> tuple[float, Array]:
    """Negative log posterior of the hyperparameters and its gradient."""
    scaled = observations.inputs * np.exp(-theta[:-3])[observations.groups]
    distance = _ROOT5 * _distance(scaled, scaled)
    decay = np.exp(theta[-3] - distance)
    signal = decay * (1 + distance + distance**2 / 3)
    covariance = signal.copy()
    covariance[np.diag_indices_from(covariance)] += _noise(observations.missing, theta)
    try:
        factor = cholesky(covariance, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(theta)
    inverse = cho_solve((factor, True), np.eye(len(covariance)), check_finite=False)
    ones = inverse.sum(1)
    residual = observations.values - ones @ observations.values / ones.sum()
    weights = inverse @ residual
    off = (theta - middle) / width
    loss = 0.5 * residual @ weights + np.log(np.diag(factor)).sum() + 0.5 * off @ off

    slope = np.outer(weights, weights) - inverse  # twice the gradient of the log likelihood by the covariance
    by_distance = slope * decay * (1 + distance) * (5.0 / 3.0)  # what multiplies half the squared differences
    columns = 2 * (by_distance.sum(1) @ scaled**2 - np.einsum("ij,ij->j", scaled, by_distance @ scaled))
    gradient = np.empty_like(theta)
    gradient[:-3] = -0.5 * np.bincount(observations.groups, weights=columns, minlength=len(theta) - 3)
    diagonal = np.diag(slope)
    gradient[-3] = -0.5 * (slope * signal).sum()
    gradient[-2] = -0.5 * diagonal.sum() * math.exp(theta[-2])
    gradient[-1] = -0.5 * (diagonal @ observations.missing) * math.exp(theta[-1])
    return float(loss), gradient + off / width
