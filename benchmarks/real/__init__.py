"""Comparison of search methods on real trainings at equal CPU seconds."""
