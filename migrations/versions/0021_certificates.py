"""Certificates: what comparisons of equal groups said of a metric."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("metric_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition_sha256", sa.String(64), nullable=False),
        sa.Column("statistics_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.String(300), nullable=False),
        sa.Column("comparisons", sa.Integer(), nullable=False),
        sa.Column("simulate", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(500), nullable=True),
        sa.Column("code_version", sa.String(60), nullable=True),
        sa.Column("is_certified", sa.Boolean(), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), nullable=True),
        sa.Column("customer_count", sa.Integer(), nullable=True),
        sa.Column("entered_from", UtcDateTime(), nullable=True),
        sa.Column("entered_to", UtcDateTime(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.Column("sentences", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["metric_id"],
            ["metric.id"],
            name=op.f("fk_certificate_metric_id_metric"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
    )
    op.create_index(
        op.f("ix_certificate_metric_id_asked_at"),
        "certificate",
        ["metric_id", "asked_at"],
    )


def downgrade() -> None:
    op.drop_table("certificate")
