"""`python -m automl`: the same as the command `automl`."""

from automl.cli import main

main()
