"""Drafts answered task by task, what they touch, and who signs for that."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_LISTS = (
    ("experiment", "risks"),
    ("experiment", "open_tasks"),
    ("experiment", "approvals"),
    ("person", "signs_for"),
)
_TEXTS = (("experiment", "exposure_point"), ("hypothesis", "wrong_if"))


def upgrade() -> None:
    for table, name in _LISTS:
        op.add_column(
            table, sa.Column(name, sa.JSON(), server_default="[]", nullable=False)
        )
    for table, name in _TEXTS:
        op.add_column(
            table, sa.Column(name, sa.String(1000), server_default="", nullable=False)
        )


def downgrade() -> None:
    for table, name in (*_LISTS, *_TEXTS):
        op.drop_column(table, name)
