"""From a request to a study that may begin: checks, probes, the compiled spec."""
