"""Studies as they are shown: read from the store, added up."""
