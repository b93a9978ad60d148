"""What was learned, searchable; and by what means a hypothesis is to move customers."""

import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

from experiments.db import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Experiments that were decided before there was a library, with the words to find them.
_DECIDED = sa.text("""
    SELECT e.id, e.name, e.decision_reason, h.title, h.change, h.evidence_text,
           h.friction_point, s.name AS segment, m.name AS metric
    FROM experiment e
    JOIN hypothesis h ON h.id = e.hypothesis_id
    JOIN segment_version v ON v.id = e.segment_version_id
    JOIN segment s ON s.id = v.segment_id
    JOIN metric m ON m.id = h.metric_id
    WHERE e.status = 'decided' ORDER BY e.decided_at, e.id
""")
_LAST_RUN = sa.text("""
    SELECT id, verdict, answer FROM analysis_run
    WHERE experiment_id = :id AND state = 'done' AND phase = 'final'
    ORDER BY as_of DESC, id DESC LIMIT 1
""")


def upgrade() -> None:
    op.add_column(
        "hypothesis",
        sa.Column("lever", sa.String(20), server_default="other", nullable=False),
    )
    learning = _learning()
    op.create_table(
        "learning_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learning_id", sa.Integer(), nullable=False),
        sa.Column("later_id", sa.Integer(), nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("by", sa.String(300), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        *_to("learning_link", learning_id="learning", later_id="learning"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_link")),
        sa.UniqueConstraint(
            "learning_id",
            "later_id",
            name=op.f("uq_learning_link_learning_id_later_id"),
        ),
    )
    op.create_index(op.f("ix_learning_link_later_id"), "learning_link", ["later_id"])
    _fill(learning)


def _learning() -> sa.Table:
    table = op.create_table(
        "learning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(20), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("held", sa.String(10), nullable=True),
        sa.Column("surprise", sa.String(2000), nullable=False),
        sa.Column("next_step", sa.String(2000), nullable=False),
        sa.Column("next_hypothesis_id", sa.Integer(), nullable=True),
        sa.Column("follow_up_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("searchable", sa.Text(), nullable=False),
        *_to(
            "learning",
            experiment_id="experiment",
            run_id="analysis_run",
            next_hypothesis_id="hypothesis",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning")),
        sa.UniqueConstraint("experiment_id", name=op.f("uq_learning_experiment_id")),
    )
    for column in ("run_id", "next_hypothesis_id"):
        op.create_index(op.f(f"ix_learning_{column}"), "learning", [column])
    return table


def _to(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
        )
        for column, other in columns.items()
    ]


def _fill(learning: sa.Table) -> None:
    connection = op.get_bind()
    for row in connection.execute(_DECIDED).mappings().all():
        run = connection.execute(_LAST_RUN, {"id": row["id"]}).mappings().first()
        texts = [str(row[name] or "") for name in row if name != "id"]
        found: dict[str, Any] = {
            "experiment_id": row["id"],
            "run_id": run and run["id"],
            "verdict": run and run["verdict"],
            "answer": (run and run["answer"]) or "",
            "surprise": "",
            "next_step": "",
            "searchable": _searchable([*texts, str(run["answer"] if run else "")]),
        }
        connection.execute(learning.insert().values(**found))


def _searchable(texts: list[str]) -> str:
    plain = unicodedata.normalize("NFKD", " ".join(texts)).casefold()
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    words = re.sub(r"[\W_]+", " ", bare).split()
    return f" {' '.join(words)} "


def downgrade() -> None:
    op.drop_table("learning_link")
    op.drop_table("learning")
    op.drop_column("hypothesis", "lever")
