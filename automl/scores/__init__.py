"""Scores of trials: rungs, ranks, intervals, chances, and the sentences on them. Pure."""
