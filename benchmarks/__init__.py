"""Measurements of automl, run as `python -m benchmarks NAME`. Not part of the installed package."""
