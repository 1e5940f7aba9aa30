"""Studies, trials, attempts, epochs, events, artifacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _studies()
    _trials()
    _attempts()
    _epochs()
    _events()
    _artifacts()


def downgrade() -> None:
    for name in ("artifacts", "events", "epochs", "attempts", "trials", "studies"):
        op.drop_table(f"automl_{name}")


def _study_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["study_id"], ["automl_studies.id"], name=f"fk_{table}_study_id", ondelete="CASCADE")


def _trial_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["study_id", "trial"],
        ["automl_trials.study_id", "automl_trials.number"],
        name=f"fk_{table}_study_id_trial",
        ondelete="CASCADE",
    )


def _studies() -> None:
    op.create_table(
        "automl_studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("slot_s", sa.Double(), nullable=False),
        sa.Column("wall_s", sa.Double(), nullable=False),
        sa.Column("baseline_map50_95", sa.Double()),
        sa.Column("best_map50_95", sa.Double()),
        sa.Column("best_trial", sa.Integer()),
        sa.Column("writer", sa.String()),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_automl_studies"),
        sa.UniqueConstraint("name", name="uq_automl_studies_name"),
    )


def _trials() -> None:
    op.create_table(
        "automl_trials",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("applied", sa.JSON()),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("done_epochs", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("best_map50_95", sa.Double()),
        sa.Column("best_map50", sa.Double()),
        sa.Column("best_epoch", sa.Integer()),
        sa.Column("last_map50_95", sa.Double()),
        sa.Column("slot_s", sa.Double(), nullable=False),
        sa.Column("paid_s", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("node", sa.String()),
        sa.Column("device", sa.String()),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.PrimaryKeyConstraint("study_id", "number", name="pk_automl_trials"),
        _study_key("automl_trials"),
    )
    op.create_index("ix_automl_trials_study_id_best_map50_95", "automl_trials", ["study_id", "best_map50_95"])


def _attempts() -> None:
    op.create_table(
        "automl_attempts",
        sa.Column("study_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("trial", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("node", sa.String()),
        sa.Column("device", sa.String()),
        sa.Column("pid", sa.Integer()),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("first_epoch", sa.Integer()),
        sa.Column("outcome", sa.String()),
        sa.Column("slot_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "trial", "number", name="pk_automl_attempts"),
        _trial_key("automl_attempts"),
    )


def _epochs() -> None:
    op.create_table(
        "automl_epochs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("map50_95", sa.Double()),
        sa.Column("map50", sa.Double()),
        sa.Column("precision", sa.Double()),
        sa.Column("recall", sa.Double()),
        sa.Column("losses", sa.JSON(), nullable=False),
        sa.Column("train_s", sa.Double()),
        sa.Column("val_s", sa.Double()),
        sa.Column("slot_s", sa.Double(), nullable=False),
        sa.Column("reported_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_automl_epochs"),
        sa.UniqueConstraint("study_id", "trial", "epoch", name="uq_automl_epochs_study_id_trial_epoch"),
        _trial_key("automl_epochs"),
    )


def _events() -> None:
    op.create_table(
        "automl_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("trial", sa.Integer()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_automl_events"),
        _study_key("automl_events"),
    )
    op.create_index("ix_automl_events_study_id_id", "automl_events", ["study_id", "id"])


def _artifacts() -> None:
    op.create_table(
        "automl_artifacts",
        sa.Column("study_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("trial", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("study_id", "trial", "kind", name="pk_automl_artifacts"),
        _trial_key("automl_artifacts"),
    )
