"""Studies as users see them: read from the store and added up."""
