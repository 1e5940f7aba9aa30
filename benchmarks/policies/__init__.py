"""Comparison of search policies in virtual time."""
