"""Searches for the best training recipe of a YOLO detector within a budget."""
