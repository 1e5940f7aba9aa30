"""Run by Alembic on the connection that `automl.store.migrate` hands over."""

from __future__ import annotations

from collections.abc import MutableMapping

from alembic import context

from automl.store.tables import PREFIX, VERSION_TABLE, metadata


def _ours(name: str | None, kind: str, parents: MutableMapping[str, str | None]) -> bool:
    """False for the tables of other programs that share the database."""
    return kind != "table" or (name is not None and name.startswith(PREFIX))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=_ours,  # type: ignore[arg-type]
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
