"""What a search costs beside its trainings, against Ultralytics' own tuners."""
