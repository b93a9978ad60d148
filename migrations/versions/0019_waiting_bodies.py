"""How large each waiting body is, so that a connector keeps only so many."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "quarantined_message", sa.Column("held_bytes", sa.Integer(), nullable=True)
    )
    # Those that wait already count too; only bodies have no customer and can be read.
    op.execute(
        "UPDATE quarantined_message SET held_bytes = length(CAST(replay AS TEXT))"
        " WHERE customer IS NULL AND replay IS NOT NULL"
    )
    op.create_index(
        op.f("ix_quarantined_message_source_held_bytes"),
        "quarantined_message",
        ["source", "held_bytes"],
        sqlite_where=sa.text("held_bytes IS NOT NULL"),
        postgresql_where=sa.text("held_bytes IS NOT NULL"),
    )


def downgrade() -> None:
    with op.batch_alter_table("quarantined_message") as table:
        table.drop_index(op.f("ix_quarantined_message_source_held_bytes"))
        table.drop_column("held_bytes")
