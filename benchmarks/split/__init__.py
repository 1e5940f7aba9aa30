"""Division of a budget between a search and full-length trainings, in virtual time."""
