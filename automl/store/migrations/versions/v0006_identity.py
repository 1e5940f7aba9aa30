"""Identity of a study's process beyond host name and number, and the cause of its last session's end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("automl_studies", sa.Column("process", sa.String(), nullable=False, server_default=""))
    op.add_column("automl_studies", sa.Column("ended_by", sa.String()))


def downgrade() -> None:
    op.drop_column("automl_studies", "ended_by")
    op.drop_column("automl_studies", "process")
