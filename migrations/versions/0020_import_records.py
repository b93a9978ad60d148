"""Imports are remembered for a while, with all faults that their rows have."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(12), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("experiment", sa.String(64), nullable=True),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("faulty_row_count", sa.BigInteger(), nullable=False),
        sa.Column("fault_count", sa.BigInteger(), nullable=False),
        sa.Column("listed_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_record")),
        sa.UniqueConstraint("public_id", name=op.f("uq_import_record_public_id")),
    )


def downgrade() -> None:
    op.drop_table("import_record")
