"""Search policies against each other in virtual time."""
