"""Looks at the estimates: planned in the design, recorded when they are taken."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "experiment",
        sa.Column("looks", sa.JSON(), server_default="[]", nullable=False),
    )
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("plan_sha256", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("mature_units", sa.Integer(), nullable=False),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("spent", sa.Double(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("readings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_look_experiment_id_experiment"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["analysis_run.id"], name=op.f("fk_look_run_id_analysis_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look")),
        sa.UniqueConstraint(
            "experiment_id",
            "plan_sha256",
            "number",
            name=op.f("uq_look_experiment_id_plan_sha256_number"),
        ),
    )
    op.create_index(op.f("ix_look_run_id"), "look", ["run_id"])


def downgrade() -> None:
    op.drop_table("look")
    op.drop_column("experiment", "looks")
