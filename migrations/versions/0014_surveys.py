"""Hosted surveys, who was asked and has answered, and comments."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("wave", sa.String(64), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey")),
        sa.UniqueConstraint("key", name=op.f("uq_survey_key")),
    )
    op.create_table(
        "survey_reply",
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("wave", sa.String(100), nullable=False),
        sa.Column("environment", sa.String(20), nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("invited_at", UtcDateTime(), nullable=True),
        sa.Column("first_at", UtcDateTime(), nullable=True),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["survey_id"],
            ["survey.id"],
            name=op.f("fk_survey_reply_survey_id_survey"),
        ),
        sa.PrimaryKeyConstraint(
            "survey_id",
            "wave",
            "environment",
            "customer",
            name=op.f("pk_survey_reply"),
        ),
    )
    op.create_index(op.f("ix_survey_reply_customer"), "survey_reply", ["customer"])
    op.create_table(
        "survey_comment",
        sa.Column("survey", sa.String(100), nullable=False),
        sa.Column("wave", sa.String(100), nullable=False),
        sa.Column("environment", sa.String(20), nullable=False),
        sa.Column("customer", sa.LargeBinary(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "survey",
            "wave",
            "environment",
            "customer",
            name=op.f("pk_survey_comment"),
        ),
    )
    op.create_index(op.f("ix_survey_comment_customer"), "survey_comment", ["customer"])


def downgrade() -> None:
    op.drop_table("survey_comment")
    op.drop_table("survey_reply")
    op.drop_table("survey")
