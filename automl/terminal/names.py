"""Names of studies that a shell completes."""

from __future__ import annotations


def of_studies(incomplete: str) -> list[str]:
    """Names of the studies in the present database that begin so, the newest first; none where it cannot be read."""
    from automl.store import read
    from automl.store.address import store_url
    from automl.store.engine import open_store

    try:
        rows = read.studies(open_store(store_url(None, None), create=False, read_only=True))
    except Exception:  # whatever it is, a shell that completes a word has no place for a message
        return []
    return [row.name for row in rows if row.name.startswith(incomplete)]
