"""Keys that may read rules: whether an app with a client key evaluates by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No key made before may: rules leave the server only when an admin says so.
    op.add_column(
        "api_key",
        sa.Column(
            "may_read_rules", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )


def downgrade() -> None:
    op.drop_column("api_key", "may_read_rules")
