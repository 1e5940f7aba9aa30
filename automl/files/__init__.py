"""Where things lie on disk and which of them stay."""
