"""Measurements of automl: `python -m benchmarks NAME`. Not part of the installed package."""
