"""Paths on disk, and the files of trials that stay there."""
