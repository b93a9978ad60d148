"""What customers read about an experiment on the page of their choice."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_words",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("difference", sa.String(500), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_customer_words_experiment_id_experiment"),
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_customer_words")),
    )


def downgrade() -> None:
    op.drop_table("customer_words")
