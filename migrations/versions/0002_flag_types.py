"""Flag types: the type of each parameter of an experiment."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Experiments from before get none; theirs are read from the values.
    op.add_column(
        "experiment",
        sa.Column("parameter_types", sa.JSON(), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("experiment", "parameter_types")
