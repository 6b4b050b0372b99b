"""A team: sentences that two judge, adjudications, temporary passwords.

What was imported before needs one verdict; what was judged by several who differ waits for an
adjudication from now on. The queues' indices begin with the stage in place of the verdicts' number.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDICES: Final = {
    "uncertain": ("confidence", "digest"),
    "flagged": ("needs_review", "confidence", "digest"),
    "random": ("stratum", "digest"),
    "noise": ("noise", "digest"),
    "skipped": ("skipped_at",),
    "all": ("sentence_id",),
    "label": ("label", "confidence", "digest"),
    "theatre": ("theatre", "confidence", "digest"),
    "source": ("source", "confidence", "digest"),
}


def upgrade() -> None:
    """Add columns, fill them, and make the indices anew."""
    op.add_column("users", _flag("must_change"))
    for name in _INDICES:
        op.drop_index(f"ix_queue_rows_{name}", "queue_rows")
    with op.batch_alter_table("queue_rows") as table:
        table.add_column(sa.Column("needed", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("stage", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("adjudication_id", sa.Integer(), nullable=True))
        table.add_column(_flag("is_disputed"))
        table.create_foreign_key(
            "fk_queue_rows_adjudication_id", "decisions", ["adjudication_id"], ["id"]
        )
    op.execute("UPDATE queue_rows SET stage = 2 WHERE judgements > 0")
    _find_disputes()
    for name, columns in _INDICES.items():
        op.create_index(f"ix_queue_rows_{name}", "queue_rows", ["stage", *columns])
    op.create_index("ix_queue_rows_disputed", "queue_rows", ["is_disputed", "sentence_id"])


def downgrade() -> None:
    """Refuse: a backup is the way back."""
    raise NotImplementedError("no way back to the second version: a backup is the way back")


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _find_disputes() -> None:
    """Mark the sentences on which standing verdicts differ."""
    rows = op.get_bind().exec_driver_sql(
        "SELECT s.sentence_id, d.labels FROM standing s JOIN decisions d ON d.id = s.decision_id "
        "WHERE s.kind IN ('label', 'not_a_sentence')"
    )
    answers: dict[int, set[tuple[str, ...]]] = defaultdict(set)
    for sentence_id, labels in rows:
        first, *others = json.loads(labels) or [""]
        answers[sentence_id].add((first, *sorted(others)))
    disputed = [{"number": number} for number, said in answers.items() if len(said) > 1]
    if disputed:
        update = sa.text("UPDATE queue_rows SET is_disputed = true WHERE sentence_id = :number")
        op.get_bind().execute(update, disputed)
