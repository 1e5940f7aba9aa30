"""Ensembles and soups: fused predictions, averaged weights, and the choice of members."""
