"""What metrics of journey stages were, week by week, in single segments too."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
KEY = "pk_metric_week"


def upgrade() -> None:
    with op.batch_alter_table("metric_week") as batch_op:
        batch_op.add_column(
            sa.Column(
                "segment", sa.String(length=64), server_default="", nullable=False
            )
        )
        batch_op.add_column(
            sa.Column(
                "segment_version", sa.Integer(), server_default="0", nullable=False
            )
        )
        batch_op.drop_constraint(KEY, type_="primary")
        batch_op.create_primary_key(KEY, ["metric_version_id", "segment", "starts_at"])


def downgrade() -> None:
    op.execute("DELETE FROM metric_week WHERE segment <> ''")
    with op.batch_alter_table("metric_week") as batch_op:
        batch_op.drop_constraint(KEY, type_="primary")
        batch_op.create_primary_key(KEY, ["metric_version_id", "starts_at"])
        batch_op.drop_column("segment_version")
        batch_op.drop_column("segment")
