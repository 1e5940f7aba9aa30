"""Search methods on real trainings at equal CPU seconds."""
