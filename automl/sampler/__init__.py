"""Samplers: who proposes the next parameters. `open_sampler` knows them by name."""

from automl.sampler.protocol import SAMPLERS, Sampler, open_sampler

__all__ = ["SAMPLERS", "Sampler", "open_sampler"]
