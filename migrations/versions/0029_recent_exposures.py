"""The last exposures of each experiment, for whoever connects an app."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recent_exposure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment", sa.String(100), nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("received_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("customer_start", sa.String(4), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recent_exposure")),
    )
    op.create_index(
        op.f("ix_recent_exposure_experiment"), "recent_exposure", ["experiment"]
    )


def downgrade() -> None:
    op.drop_table("recent_exposure")
