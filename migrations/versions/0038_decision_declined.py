"""Why a decision that waited for a second person was declined."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "experiment", sa.Column("decision_declined", sa.JSON(), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("experiment", "decision_declined")
