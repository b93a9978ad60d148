"""A source that is a file is complete through something once it is stored whole."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("event_source") as table:
        table.alter_column(
            "complete_through", existing_type=sa.DateTime(timezone=True), nullable=True
        )
        table.add_column(sa.Column("importing", sa.JSON(), nullable=True))


def downgrade() -> None:
    # The times below have no meaning without the column: an import that is not whole
    # is complete through nothing.
    op.execute(
        "UPDATE event_source SET complete_through = '1970-01-01 00:00:00.000000'"
        " WHERE complete_through IS NULL"
    )
    with op.batch_alter_table("event_source") as table:
        table.drop_column("importing")
        table.alter_column(
            "complete_through", existing_type=sa.DateTime(timezone=True), nullable=False
        )
