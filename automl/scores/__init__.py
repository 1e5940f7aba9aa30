"""How good trials are: rungs, ranks, intervals, chances. Pure."""
