"""Baselines say how customers come, week by week: all are read anew."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM metric_baseline")


def downgrade() -> None:
    op.execute("DELETE FROM metric_baseline")
