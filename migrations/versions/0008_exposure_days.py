"""Which experiments and variants exposures name, by day and source."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exposure_day",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("environment", sa.String(12), nullable=False),
        sa.Column("experiment", sa.String(100), nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("day_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("exposure_count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "source",
            "environment",
            "experiment",
            "variant",
            "day_at",
            name=op.f("pk_exposure_day"),
        ),
    )


def downgrade() -> None:
    op.drop_table("exposure_day")
