"""How many exposures contradict the assignment in force at their time."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exposure_day",
        sa.Column(
            "contradicting_count", sa.BigInteger(), nullable=False, server_default="0"
        ),
    )
    with op.batch_alter_table("exposure_day") as table:
        table.alter_column("contradicting_count", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("exposure_day") as table:
        table.drop_column("contradicting_count")
