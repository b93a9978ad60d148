"""Who answers for a metric, and the margin that its guardrails usually have."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "metric",
        sa.Column("owner", sa.String(300), server_default="", nullable=False),
    )
    op.add_column("metric", sa.Column("default_margin", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("metric", "default_margin")
    op.drop_column("metric", "owner")
