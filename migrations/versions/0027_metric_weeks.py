"""What metrics of journey stages were, week by week."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_week",
        sa.Column("metric_version_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("measured_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("store_version", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("standard_error", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["metric_version_id"],
            ["metric_version.id"],
            name=op.f("fk_metric_week_metric_version_id_metric_version"),
        ),
        sa.PrimaryKeyConstraint(
            "metric_version_id", "starts_at", name=op.f("pk_metric_week")
        ),
    )


def downgrade() -> None:
    op.drop_table("metric_week")
