"""Who gets the weekly digest, and its mails, each written down before it is sent."""

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "digest_recipient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_recipient")),
        sa.UniqueConstraint("email", name=op.f("uq_digest_recipient_email")),
    )
    op.create_table(
        "digest_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.String(8), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("try_count", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("tried_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(300), nullable=True),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["digest_recipient.id"],
            name=op.f("fk_digest_mail_recipient_id_digest_recipient"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_mail")),
        sa.UniqueConstraint(
            "recipient_id", "week", name=op.f("uq_digest_mail_recipient_id_week")
        ),
    )
    op.create_index(op.f("ix_digest_mail_state"), "digest_mail", ["state"])


def downgrade() -> None:
    op.drop_table("digest_mail")
    op.drop_table("digest_recipient")
