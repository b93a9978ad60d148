"""What metrics were over customers of late, for planning."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_baseline",
        sa.Column("metric_version_id", sa.Integer(), nullable=False),
        sa.Column("measured_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("store_version", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["metric_version_id"],
            ["metric_version.id"],
            name=op.f("fk_metric_baseline_metric_version_id_metric_version"),
        ),
        sa.PrimaryKeyConstraint("metric_version_id", name=op.f("pk_metric_baseline")),
    )


def downgrade() -> None:
    op.drop_table("metric_baseline")
