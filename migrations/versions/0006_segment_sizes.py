"""Segment sizes: how many customers a segment has, and had at the end of each week."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "segment_size",
        sa.Column("segment_version_id", sa.Integer(), nullable=False),
        sa.Column("measured_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("store_version", sa.Integer(), nullable=False),
        *_counts(),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.Column("overlaps", sa.JSON(), nullable=False),
        sa.Column("chart", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["segment_version_id"],
            ["segment_version.id"],
            name=op.f("fk_segment_size_segment_version_id_segment_version"),
        ),
        sa.PrimaryKeyConstraint("segment_version_id", name=op.f("pk_segment_size")),
    )
    op.create_table(
        "segment_count",
        sa.Column("segment_version_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("measured_at", UtcDateTime(timezone=True), nullable=False),
        *_counts(),
        sa.ForeignKeyConstraint(
            ["segment_version_id"],
            ["segment_version.id"],
            name=op.f("fk_segment_count_segment_version_id_segment_version"),
        ),
        sa.PrimaryKeyConstraint(
            "segment_version_id", "at", name=op.f("pk_segment_count")
        ),
    )


def _counts() -> list[sa.Column[int]]:
    names = ("customers_count", "everybody_count", "known_count")
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def downgrade() -> None:
    op.drop_table("segment_count")
    op.drop_table("segment_size")
