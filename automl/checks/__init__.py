"""Checks of a data set before anything is trained: facts of its files, findings and recommendations from them."""
