"""What wrong labels cost, for `python -m benchmarks price`."""
