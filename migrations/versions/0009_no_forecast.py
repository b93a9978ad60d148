"""Hypotheses without a forecast: nobody made one for what ran elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAMES = ("lift_low", "lift_mid", "lift_high", "ship_probability")


def upgrade() -> None:
    for name in NAMES:
        _replace(f"forecast_{name}", nullable=True, server_default=None)


def downgrade() -> None:
    # A number that nobody forecast would be read as a forecast: while there is a
    # hypothesis without one, the database refuses.
    for name in NAMES:
        _replace(f"forecast_{name}", nullable=False, server_default=sa.text("0"))


def _replace(
    column: str, *, nullable: bool, server_default: sa.TextClause | None
) -> None:
    # SQLite cannot change a column in place, and copying the table would drop it while
    # experiments point at it.
    op.add_column(
        "hypothesis",
        sa.Column(
            "replaced", sa.Double(), nullable=nullable, server_default=server_default
        ),
    )
    op.execute(f"UPDATE hypothesis SET replaced = {column}")  # noqa: S608  # from NAMES
    op.drop_column("hypothesis", column)
    op.execute(f"ALTER TABLE hypothesis RENAME COLUMN replaced TO {column}")
