"""The decision rule of an experiment; what was planned before keeps the usual one."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "experiment",
        sa.Column("decision_rule", sa.JSON(), nullable=False, server_default="{}"),
    )


def downgrade() -> None:
    op.drop_column("experiment", "decision_rule")
