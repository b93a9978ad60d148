"""What the doors have assigned, by day, source and variant."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assigned_day",
        sa.Column("experiment", sa.String(100), nullable=False),
        sa.Column("phase", sa.Integer(), nullable=False),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("day_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("evaluation_count", sa.BigInteger(), nullable=False),
        sa.Column("customers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "experiment",
            "phase",
            "variant",
            "source",
            "day_at",
            name=op.f("pk_assigned_day"),
        ),
    )


def downgrade() -> None:
    op.drop_table("assigned_day")
