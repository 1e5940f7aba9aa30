"""Intervals of what was measured on unseen images, and the gain against the defaults there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS = ("low", "high", "gain", "gain_low", "gain_high", "chance")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("automl_evaluations", sa.Column(name, sa.Double()))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("automl_evaluations", name)
