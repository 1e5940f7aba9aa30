"""Trainers: each runs one trial and yields once an epoch."""

from automl.trainers.base import TRAINERS, Trainer, open_trainer

__all__ = ["TRAINERS", "Trainer", "open_trainer"]
