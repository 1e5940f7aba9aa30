"""The machine and the process in which a search runs: what they offer, and how to leave them as they were."""
