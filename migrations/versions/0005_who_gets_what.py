"""Who gets what: layers, holdouts, other ids to hash, planned steps, lists by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _columns() -> list["sa.Column[object]"]:
    return [
        sa.Column("hash_attribute", sa.String(64), server_default="id", nullable=False),
        sa.Column("fallback_attribute", sa.String(64), nullable=True),
        sa.Column("layer", sa.String(64), nullable=True),
        sa.Column("layer_share", sa.Double(), nullable=True),
        sa.Column("holdouts", sa.JSON(), server_default="[]", nullable=False),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("experiment", column)
    op.create_table(
        "layer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer")),
        sa.UniqueConstraint("key", name=op.f("uq_layer_key")),
    )
    op.create_table(
        "layer_range",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("layer_id", sa.Integer(), nullable=False),
        sa.Column("experiment", sa.String(64), nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("first_bucket", sa.Integer(), nullable=False),
        sa.Column("end_bucket", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("needed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["layer.id"], name=op.f("fk_layer_range_layer_id_layer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer_range")),
    )
    op.create_index(op.f("ix_layer_range_layer_id"), "layer_range", ["layer_id"])
    op.create_index(op.f("ix_layer_range_experiment"), "layer_range", ["experiment"])
    op.create_table(
        "holdout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("journey_stage", sa.String(64), nullable=True),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdout")),
        sa.UniqueConstraint("key", name=op.f("uq_holdout_key")),
    )
    _steps()
    _lists()


def _steps() -> None:
    op.create_table(
        "scheduled_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("outcome", sa.String(500), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_scheduled_step_experiment_id_experiment"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
            name=op.f("fk_scheduled_step_person_id_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_step")),
    )
    for name in ("at", "experiment_id", "state"):
        op.create_index(op.f(f"ix_scheduled_step_{name}"), "scheduled_step", [name])


def _lists() -> None:
    op.create_table(
        "listed_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
        sa.Column("variant", sa.String(64), nullable=True),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(300), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_listed_unit_experiment_id_experiment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listed_unit")),
    )
    op.create_index(
        op.f("ix_listed_unit_experiment_id"), "listed_unit", ["experiment_id"]
    )


def downgrade() -> None:
    for table in ("listed_unit", "scheduled_step", "holdout", "layer_range", "layer"):
        op.drop_table(table)
    for column in reversed(_columns()):
        op.drop_column("experiment", column.name)
