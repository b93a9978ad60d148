"""That a decision was against the rule, and who confirmed it."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiment", sa.Column("decided_against", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("experiment", "decided_against")
