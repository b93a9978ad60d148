"""Erasures: who was erased, whose later events are dropped, what that took away."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "event_source",
        sa.Column("erased_count", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("requested_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("finished_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("exposures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index(op.f("ix_erasure_state"), "erasure", ["state"])
    for name in ("tombstone", "erasure_link"):
        op.create_table(
            name,
            sa.Column("pseudonym", sa.LargeBinary(length=16), nullable=False),
            sa.Column("erasure_id", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(
                ["erasure_id"],
                ["erasure.id"],
                name=op.f(f"fk_{name}_erasure_id_erasure"),
            ),
            sa.PrimaryKeyConstraint("pseudonym", name=op.f(f"pk_{name}")),
        )
        op.create_index(op.f(f"ix_{name}_erasure_id"), name, ["erasure_id"])
    op.create_table(
        "erased_exposure",
        sa.Column("experiment", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("customer_count", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "experiment", "variant", name=op.f("pk_erased_exposure")
        ),
    )
    op.create_table(
        "expired_exposure",
        sa.Column("experiment", sa.String(length=64), nullable=False),
        sa.Column("received_before", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("experiment", name=op.f("pk_expired_exposure")),
    )


def downgrade() -> None:
    for name in (
        "expired_exposure",
        "erased_exposure",
        "erasure_link",
        "tombstone",
        "erasure",
    ):
        op.drop_table(name)
    op.drop_column("event_source", "erased_count")
