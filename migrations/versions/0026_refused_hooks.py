"""How many webhooks were refused, by connector and day."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_hook_day",
        sa.Column("connector", sa.String(32), nullable=False),
        sa.Column("day_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("refused_count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "connector", "day_at", name=op.f("pk_refused_hook_day")
        ),
    )


def downgrade() -> None:
    op.drop_table("refused_hook_day")
