"""The search: what to train next, when to stop it and when to end. Pure: no I/O, no clock, no engine."""

from automl.policy.search import Search

__all__ = ["Search"]
