"""What a hypothesis's place in the backlog is made of; lessons after a decision."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def _columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("effort_weeks", sa.Double(), nullable=True),
        sa.Column("stated_reach", sa.Integer(), nullable=True),
        sa.Column("stated_baseline", sa.Double(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("parked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("parked_reason", sa.String(1000), server_default="", nullable=False),
    )


def upgrade() -> None:
    for column in _columns():
        op.add_column("hypothesis", column)
    op.create_table(
        "merged_hypothesis",
        sa.Column("hypothesis_id", sa.Integer(), nullable=False),
        sa.Column("into_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(300), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        *_to("merged_hypothesis", hypothesis_id="hypothesis", into_id="hypothesis"),
        sa.PrimaryKeyConstraint("hypothesis_id", name=op.f("pk_merged_hypothesis")),
    )
    op.create_table(
        "learning_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learning_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(2000), nullable=False),
        sa.Column("held", sa.String(10), nullable=True),
        sa.Column("by", sa.String(300), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        *_to("learning_note", learning_id="learning"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_note")),
    )
    op.create_table(
        "citation",
        sa.Column("hypothesis_id", sa.Integer(), nullable=False),
        sa.Column("learning_id", sa.Integer(), nullable=False),
        *_to("citation", hypothesis_id="hypothesis", learning_id="learning"),
        sa.PrimaryKeyConstraint("hypothesis_id", name=op.f("pk_citation")),
    )
    for table, column in (
        ("merged_hypothesis", "into_id"),
        ("learning_note", "learning_id"),
        ("citation", "learning_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _to(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
        )
        for column, other in columns.items()
    ]


def downgrade() -> None:
    for table in ("citation", "learning_note", "merged_hypothesis"):
        op.drop_table(table)
    for column in _columns():
        op.drop_column("hypothesis", column.name)
