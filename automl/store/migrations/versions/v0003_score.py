"""Each trial's score, the mean mAP50-95 of its last five epochs, filled from the epochs that are stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_FILL = """
UPDATE automl_trials SET score = (
    SELECT avg(latest.map50_95) FROM (
        SELECT map50_95 FROM automl_epochs
        WHERE automl_epochs.study_id = automl_trials.study_id AND automl_epochs.trial = automl_trials.number
            AND map50_95 IS NOT NULL
        ORDER BY epoch DESC LIMIT 5
    ) AS latest
)
"""


def upgrade() -> None:
    op.add_column("automl_trials", sa.Column("score", sa.Double()))
    op.execute(_FILL)
    op.create_index("ix_automl_trials_study_id_score", "automl_trials", ["study_id", "score"])


def downgrade() -> None:
    op.drop_index("ix_automl_trials_study_id_score", "automl_trials")
    op.drop_column("automl_trials", "score")
