"""Customers who opted out of experiments, and their other ids."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opt_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
        sa.Column("opted_out_at", UtcDateTime(), nullable=False),
        sa.Column("opted_in_at", UtcDateTime(), nullable=True),
        sa.Column("is_searched", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
    )
    for column in ("pseudonym", "opted_out_at", "opted_in_at"):
        op.create_index(op.f(f"ix_opt_out_{column}"), "opt_out", [column])
    op.create_table(
        "opt_out_link",
        sa.Column("opt_out_id", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["opt_out_id"],
            ["opt_out.id"],
            name=op.f("fk_opt_out_link_opt_out_id_opt_out"),
        ),
        sa.PrimaryKeyConstraint(
            "opt_out_id", "pseudonym", name=op.f("pk_opt_out_link")
        ),
    )
    op.create_index(op.f("ix_opt_out_link_pseudonym"), "opt_out_link", ["pseudonym"])
    op.create_table(
        "opt_out_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out_revision")),
    )


def downgrade() -> None:
    op.drop_table("opt_out_revision")
    op.drop_table("opt_out_link")
    op.drop_table("opt_out")
