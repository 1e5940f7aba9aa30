"""Files and folders of other tools: their forms, their schemas and what a search can use of them."""

from automl.setup.foreign.reading import read_source
from automl.setup.foreign.text import FORMATS
from automl.setup.foreign.understood import Reading

__all__ = ["FORMATS", "Reading", "read_source"]
