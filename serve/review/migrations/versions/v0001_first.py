"""The first tables, and the triggers that keep decisions append-only."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQLITE: Final = (
    """
    CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only: no update'); END
    """,
    """
    CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only: no delete'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above, unless a pragma says so.
    """
    CREATE TRIGGER decisions_in_order BEFORE INSERT ON decisions
    WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM decisions)
        OR EXISTS (SELECT 1 FROM decisions WHERE client_key = NEW.client_key OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'decisions are append-only: the next one comes last'); END
    """,
)
_POSTGRESQL: Final = (
    """
    CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'decisions are append-only: no %', lower(TG_OP); END $$
    """,
    """
    CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_append_only()
    """,
    """
    CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_append_only()
    """,
    """
    CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()
    """,
    """
    CREATE FUNCTION decisions_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id IS DISTINCT FROM (SELECT coalesce(max(id), 0) + 1 FROM decisions) THEN
            RAISE EXCEPTION 'decisions are append-only: the next one comes last';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER decisions_in_order BEFORE INSERT ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_in_order()
    """,
)
_TRIGGERS: Final = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


def upgrade() -> None:
    """Make everything."""
    _material()
    _people()
    _decisions()
    _derived()
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: it would throw decisions away."""
    raise NotImplementedError("no way back from the first version: a backup is the way back")


def _material() -> None:
    """What is imported."""
    op.create_table(
        "articles",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("theatre", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
        sa.UniqueConstraint("digest", name="uq_articles_digest"),
    )
    op.create_index("ix_articles_source", "articles", ["source"], unique=False)
    op.create_index("ix_articles_theatre", "articles", ["theatre"], unique=False)
    op.create_table(
        "sentences",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("stratum", sa.String(length=8), nullable=False),
        sa.Column("draw_share", sa.Double(), nullable=False),
        sa.Column("noise", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name="fk_sentences_article_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sentences"),
        sa.UniqueConstraint("article_id", "position", name="uq_sentences_article_id_position"),
    )
    op.create_index("ix_sentences_digest", "sentences", ["digest"], unique=False)
    op.create_table(
        "releases",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        sa.UniqueConstraint("name", name="uq_releases_name"),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sentence_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_predictions_release_id"),
        sa.ForeignKeyConstraint(
            ["sentence_id"], ["sentences.id"], name="fk_predictions_sentence_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
        sa.UniqueConstraint(
            "sentence_id", "release_id", name="uq_predictions_sentence_id_release_id"
        ),
    )
    op.create_index("ix_predictions_release_id", "predictions", ["release_id"], unique=False)


def _people() -> None:
    """Who may sign in, and settings."""
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )


def _decisions() -> None:
    """What reviewers say."""
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sentence_id", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Text(), nullable=False),
        sa.Column("sentence_digest", sa.String(length=64), nullable=False),
        sa.Column("guideline", sa.Text(), nullable=False),
        sa.Column("revises", sa.Integer(), nullable=True),
        sa.Column("client_key", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["revises"], ["decisions.id"], name="fk_decisions_revises"),
        sa.ForeignKeyConstraint(["sentence_id"], ["sentences.id"], name="fk_decisions_sentence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("client_key", name="uq_decisions_client_key"),
        sa.UniqueConstraint("hash", name="uq_decisions_hash"),
    )
    op.create_index("ix_decisions_sentence_id", "decisions", ["sentence_id"], unique=False)
    op.create_table(
        "assignments",
        sa.Column("sentence_id", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sentence_id"], ["sentences.id"], name="fk_assignments_sentence_id"
        ),
        sa.PrimaryKeyConstraint("sentence_id", "reviewer", name="pk_assignments"),
    )


def _derived() -> None:
    """What follows from the others."""
    op.create_table(
        "standing",
        sa.Column("sentence_id", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_standing_decision_id"),
        sa.ForeignKeyConstraint(["sentence_id"], ["sentences.id"], name="fk_standing_sentence_id"),
        sa.PrimaryKeyConstraint("sentence_id", "reviewer", name="pk_standing"),
        sa.UniqueConstraint("decision_id", name="uq_standing_decision_id"),
    )
    op.create_index(
        "ix_standing_reviewer_decision_id", "standing", ["reviewer", "decision_id"], unique=False
    )
    op.create_table(
        "queue_rows",
        sa.Column("sentence_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.Column("stratum", sa.String(length=8), nullable=False),
        sa.Column("noise", sa.Double(), nullable=True),
        sa.Column("theatre", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("judgements", sa.Integer(), nullable=False),
        sa.Column("skipped_at", sa.Text(), nullable=True),
        sa.Column("prediction_id", sa.Integer(), nullable=True),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name="fk_queue_rows_prediction_id"
        ),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_queue_rows_release_id"),
        sa.ForeignKeyConstraint(
            ["sentence_id"], ["sentences.id"], name="fk_queue_rows_sentence_id"
        ),
        sa.PrimaryKeyConstraint("sentence_id", name="pk_queue_rows"),
    )
    op.create_index("ix_queue_rows_all", "queue_rows", ["judgements", "sentence_id"], unique=False)
    op.create_index(
        "ix_queue_rows_flagged",
        "queue_rows",
        ["judgements", "needs_review", "confidence", "digest"],
        unique=False,
    )
    op.create_index(
        "ix_queue_rows_label",
        "queue_rows",
        ["judgements", "label", "confidence", "digest"],
        unique=False,
    )
    op.create_index(
        "ix_queue_rows_noise", "queue_rows", ["judgements", "noise", "digest"], unique=False
    )
    op.create_index(
        "ix_queue_rows_random", "queue_rows", ["judgements", "stratum", "digest"], unique=False
    )
    op.create_index(
        "ix_queue_rows_skipped", "queue_rows", ["judgements", "skipped_at"], unique=False
    )
    op.create_index(
        "ix_queue_rows_source",
        "queue_rows",
        ["judgements", "source", "confidence", "digest"],
        unique=False,
    )
    op.create_index(
        "ix_queue_rows_theatre",
        "queue_rows",
        ["judgements", "theatre", "confidence", "digest"],
        unique=False,
    )
    op.create_index(
        "ix_queue_rows_uncertain",
        "queue_rows",
        ["judgements", "confidence", "digest"],
        unique=False,
    )
