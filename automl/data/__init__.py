"""Data sets: read a data.yaml, check it, fingerprint it; `automl.data.demo` draws one."""

from automl.data.dataset import Dataset, Split, fingerprint, read_dataset, write_resolved

__all__ = ["Dataset", "Split", "fingerprint", "read_dataset", "write_resolved"]
