"""Repeats of trials with other seeds, measurements on the test split, kept probes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("automl_trials", sa.Column("repeats", sa.Integer()))
    op.create_table(
        "automl_evaluations",
        sa.Column("study_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("trial", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("split", sa.String(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("map50_95", sa.Double()),
        sa.Column("map50", sa.Double()),
        sa.Column("precision", sa.Double()),
        sa.Column("recall", sa.Double()),
        sa.Column("slot_s", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "trial", "split", name="pk_automl_evaluations"),
        sa.ForeignKeyConstraint(
            ["study_id", "trial"],
            ["automl_trials.study_id", "automl_trials.number"],
            name="fk_automl_evaluations_study_id_trial",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "automl_probes",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("measured", sa.JSON(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_automl_probes"),
    )


def downgrade() -> None:
    op.drop_table("automl_probes")
    op.drop_table("automl_evaluations")
    op.drop_column("automl_trials", "repeats")
