"""Why a plan was sent back, until its review is asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiment", sa.Column("sent_back", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("experiment", "sent_back")
