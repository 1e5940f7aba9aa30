"""The Ultralytics trainer. Torch and Ultralytics are imported here only."""
