"""Articles know the day they are from, where their records say so.

This version adds the one column ``articles.published`` and nothing else. Further changes take
version ``0003``, with ``down_revision = "0002"``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was imported before has no day of its own until it comes again."""
    op.add_column("articles", sa.Column("published", sa.Text(), nullable=True))


def downgrade() -> None:
    """Refuse: a backup is the way back."""
    raise NotImplementedError("no way back to the first version: a backup is the way back")
