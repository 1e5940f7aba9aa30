"""Costs of a search besides its trainings, beside Ultralytics' own tuners."""
