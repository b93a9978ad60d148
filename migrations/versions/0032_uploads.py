"""Imports have a state, and uploads what was asked of them."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE = "import_record"
COUNTS = ("ready_count", "frame_count", "stored_frame_count", "try_count")


def upgrade() -> None:
    with op.batch_alter_table(TABLE) as table:
        table.add_column(
            sa.Column("state", sa.String(12), nullable=False, server_default="stored")
        )
        table.add_column(sa.Column("asked", sa.JSON(), nullable=True))
        table.add_column(sa.Column("found", sa.JSON(), nullable=True))
        for name in COUNTS:
            kind = sa.BigInteger() if name == COUNTS[0] else sa.Integer()
            table.add_column(sa.Column(name, kind, nullable=False, server_default="0"))
        table.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
        table.add_column(
            sa.Column("note", sa.String(1000), nullable=False, server_default="")
        )
    rows = sa.table(
        TABLE,
        sa.column("state", sa.String),
        sa.column("is_dry_run", sa.Boolean),
        sa.column("fault_count", sa.BigInteger),
    )
    faulty = rows.c.fault_count > 0
    op.execute(rows.update().where(rows.c.is_dry_run).values(state="checked"))
    op.execute(
        rows.update().where(faulty, sa.not_(rows.c.is_dry_run)).values(state="refused")
    )
    with op.batch_alter_table(TABLE) as table:
        for name in ("state", "note", *COUNTS):
            table.alter_column(name, server_default=None)
        table.create_index(op.f("ix_import_record_state"), ["state"])


def downgrade() -> None:
    with op.batch_alter_table(TABLE) as table:
        table.drop_index(op.f("ix_import_record_state"))
        for name in ("state", "asked", "found", *COUNTS, "person_id", "note"):
            table.drop_column(name)
