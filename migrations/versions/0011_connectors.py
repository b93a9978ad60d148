"""Senders of signed webhooks, and what their bodies mean."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connector",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("environment", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("signature", sa.JSON(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector")),
        sa.UniqueConstraint("public_id", name=op.f("uq_connector_public_id")),
    )
    op.create_table(
        "connector_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("saved_by", sa.String(300), nullable=False),
        sa.Column("saved_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_id"],
            ["connector.id"],
            name=op.f("fk_connector_mapping_connector_id_connector"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_mapping")),
        sa.UniqueConstraint(
            "connector_id",
            "version",
            name=op.f("uq_connector_mapping_connector_id_version"),
        ),
    )
    op.create_index(
        op.f("ix_connector_mapping_connector_id"),
        "connector_mapping",
        ["connector_id"],
    )


def downgrade() -> None:
    op.drop_table("connector_mapping")
    op.drop_table("connector")
