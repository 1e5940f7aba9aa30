"""Whole studies under random faults in virtual time, and what has to hold whatever happens."""
