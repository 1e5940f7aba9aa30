"""Reports of data checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "automl_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer()),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("home", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text()),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("notes", sa.Integer(), nullable=False),
        sa.Column("suspects", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("boxes", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_automl_checks"),
        sa.ForeignKeyConstraint(
            ["study_id"], ["automl_studies.id"], name="fk_automl_checks_study_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_automl_checks_fingerprint", "automl_checks", ["fingerprint"])
    op.create_index("ix_automl_checks_study_id", "automl_checks", ["study_id"])


def downgrade() -> None:
    op.drop_table("automl_checks")
