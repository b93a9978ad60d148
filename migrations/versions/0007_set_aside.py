"""Messages set aside can be read again; what each source brings within an hour."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("quarantined_message") as table:
        table.add_column(sa.Column("customer", sa.LargeBinary(16), nullable=True))
        table.add_column(sa.Column("anonymous", sa.LargeBinary(16), nullable=True))
        table.add_column(sa.Column("replay", sa.JSON(), nullable=True))
        table.create_index(op.f("ix_quarantined_message_customer"), ["customer"])
    op.create_table(
        "source_hour",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("environment", sa.String(12), nullable=False),
        sa.Column("hour_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("late_count", sa.Integer(), nullable=False),
        sa.Column("duplicate_count", sa.Integer(), nullable=False),
        sa.Column("conflict_count", sa.Integer(), nullable=False),
        sa.Column("rejected_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "source", "environment", "hour_at", name=op.f("pk_source_hour")
        ),
    )


def downgrade() -> None:
    op.drop_table("source_hour")
    with op.batch_alter_table("quarantined_message") as table:
        table.drop_index(op.f("ix_quarantined_message_customer"))
        for name in ("replay", "anonymous", "customer"):
            table.drop_column(name)
