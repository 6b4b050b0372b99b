"""The tables of the review desk.

Three kinds of them. *Material* is what was imported: articles, sentences, releases, predictions.
*Decisions* are what reviewers said; they are only ever appended, and triggers refuse to change or
delete one. *Derived* tables (:class:`StandingRow`, :class:`QueueRow`) say in one narrow row what
follows from the other two, so that a queue needs no join to find its next sentence; they are
written in the same transaction as what they follow from.

Every time is UTC, written by :func:`now` with microseconds, so that order of text is order of time.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    and_,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from claimwire.serve.review.columns import JsonText as JsonText
from claimwire.serve.review.columns import canonical_json as canonical_json
from claimwire.serve.review.columns import is_id as is_id
from claimwire.serve.review.columns import now as now

DECISION_KINDS: Final = ("label", "skip", "not_a_sentence", "undo", "adjudicate")
"""What a decision can be."""

VERDICT_KINDS: Final = ("label", "not_a_sentence")
"""Kinds of decision after which a sentence is judged."""

ADJUDICATE: Final = "adjudicate"
"""The kind that settles a disagreement; it is of the sentence, and no verdict of a reviewer's."""

FRESH, HALF_DONE, DONE = 0, 1, 2
"""Stages of a sentence: without a verdict; with one, but more are needed; with all of them."""


class Base(DeclarativeBase):
    """Base of the tables; constraints get names that migrations can speak of."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        list[str]: JsonText,
        dict[str, float]: JsonText,
    }


class ArticleRow(Base):
    """An article, or a sentence that came alone.

    Attributes:
        key: the input's ``article_id``.
        digest: sha256 of the canonical JSON of the key and the sentences' texts.
        published: the day it is from, such as ``2026-03-01``; None where its records do not say.
    """

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str | None]
    theatre: Mapped[str | None] = mapped_column(Text, index=True)
    source: Mapped[str | None] = mapped_column(Text, index=True)
    created_at: Mapped[str]
    published: Mapped[str | None]


class SentenceRow(Base):
    """A sentence.

    Attributes:
        position: its ``sentence_index`` in the article, from 0.
        start: where it begins in the article, in code points; None where that is not known.
        end: where it ends.
        digest: sha256 of the text.
        folded: the text as searches compare it (see :func:`claimwire.serve.review.texts.folded`).
        stratum: ``"random"`` or ``"rest"``.
        draw_share: with which probability the sentence was drawn into the random stratum, 0-1.
        noise: suspected label noise, 0-1.
    """

    __tablename__ = "sentences"
    __table_args__ = (UniqueConstraint("article_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    position: Mapped[int]
    start: Mapped[int | None]
    end: Mapped[int | None]
    text: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    folded: Mapped[str]
    stratum: Mapped[str] = mapped_column(String(8))
    draw_share: Mapped[float]
    noise: Mapped[float | None]
    created_at: Mapped[str]


class ReleaseRow(Base):
    """A release that predicted; its name is the ``model`` of tagged records."""

    __tablename__ = "releases"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(Text, unique=True)


class PredictionRow(Base):
    """What a release said of a sentence; the fields are those of tagged records."""

    __tablename__ = "predictions"
    __table_args__ = (UniqueConstraint("sentence_id", "release_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sentence_id: Mapped[int] = mapped_column(ForeignKey("sentences.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id"), index=True)
    label: Mapped[str]
    labels: Mapped[list[str]]
    scores: Mapped[dict[str, float]]
    confidence: Mapped[float]
    needs_review: Mapped[bool]
    truncated: Mapped[bool]


class UserRow(Base):
    """A person who may sign in; role is ``reviewer``, ``adjudicator`` or ``admin``.

    ``must_change``: the password is a temporary one, good for nothing but choosing another.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str | None]
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool]
    created_at: Mapped[str]
    must_change: Mapped[bool] = mapped_column(default=False)


def can_sign_in() -> ColumnElement[bool]:
    """Return the condition on users that they may sign in and have a password."""
    return and_(UserRow.active.is_(True), UserRow.password_hash.is_not(None))


class SessionRow(Base):
    """A sign-in; the token itself is known to the browser alone."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[str]
    expires_at: Mapped[str]


class DecisionRow(Base):
    """One decision, a link of the chain (see :mod:`claimwire.serve.review.chain`).

    Attributes:
        id: 1, 2, 3, ... without a gap.
        kind: one of :data:`DECISION_KINDS`.
        labels: labels given, primary first; empty for all kinds but ``label`` and ``adjudicate``;
            empty there for *not a sentence*.
        mode: ``blind`` or ``open``: whether the prediction was hidden.
        release: the release whose prediction was current; empty where there was none.
        predicted: that prediction's labels.
        sentence_digest: sha256 of the text that was judged.
        guideline: version of the annotation guidelines.
        revises: the decision that this one replaces or undoes.
        client_key: made by the browser for each decision, so that one sent twice is stored once.
        previous_hash: hash of the decision before.
        hash: sha256 over the canonical JSON of all other fields.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sentence_id: Mapped[int] = mapped_column(ForeignKey("sentences.id"), index=True)
    reviewer: Mapped[str]
    kind: Mapped[str] = mapped_column(String(16))
    labels: Mapped[list[str]]
    hard: Mapped[bool]
    note: Mapped[str]
    reason: Mapped[str]
    mode: Mapped[str] = mapped_column(String(8))
    release: Mapped[str]
    predicted: Mapped[list[str]]
    sentence_digest: Mapped[str] = mapped_column(String(64))
    guideline: Mapped[str]
    revises: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    client_key: Mapped[str] = mapped_column(String(100), unique=True)
    created_at: Mapped[str]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class AssignmentRow(Base):
    """A sentence that a reviewer has on the screen, and until when it is kept for them."""

    __tablename__ = "assignments"

    sentence_id: Mapped[int] = mapped_column(ForeignKey("sentences.id"), primary_key=True)
    reviewer: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[str]


class SettingRow(Base):
    """A setting, its value as JSON."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(JsonText)


class StandingRow(Base):
    """Derived: the decision that stands for a sentence and reviewer, the undone ones left out."""

    __tablename__ = "standing"
    __table_args__ = (Index(None, "reviewer", "decision_id"),)

    sentence_id: Mapped[int] = mapped_column(ForeignKey("sentences.id"), primary_key=True)
    reviewer: Mapped[str] = mapped_column(Text, primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[str]


class QueueRow(Base):
    """Derived: what the queues need to know of a sentence.

    Attributes:
        digest: the first 16 digits of the text's sha256: as good as a lot drawn.
        judgements: number of reviewers whose standing decision is a verdict.
        needed: how many verdicts of different reviewers it takes, 1 or 2.
        stage: :data:`FRESH`, :data:`HALF_DONE` or :data:`DONE`; adjudicated is done.
        adjudication_id: the adjudication that stands; None for none.
        is_disputed: whether the standing verdicts differ and no adjudication stands.
        skipped_at: when it was last skipped (and the skip not undone); None for never.
        prediction_id: the current prediction, of the release imported last; None for none.
        label: its primary label, like the fields that follow.
    """

    __tablename__ = "queue_rows"
    __table_args__ = (
        Index("ix_queue_rows_uncertain", "stage", "confidence", "digest"),
        Index("ix_queue_rows_flagged", "stage", "needs_review", "confidence", "digest"),
        Index("ix_queue_rows_random", "stage", "stratum", "digest"),
        Index("ix_queue_rows_noise", "stage", "noise", "digest"),
        Index("ix_queue_rows_skipped", "stage", "skipped_at"),
        Index("ix_queue_rows_all", "stage", "sentence_id"),
        Index("ix_queue_rows_label", "stage", "label", "confidence", "digest"),
        Index("ix_queue_rows_theatre", "stage", "theatre", "confidence", "digest"),
        Index("ix_queue_rows_source", "stage", "source", "confidence", "digest"),
        Index("ix_queue_rows_disputed", "is_disputed", "sentence_id"),
    )

    sentence_id: Mapped[int] = mapped_column(ForeignKey("sentences.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(16))
    stratum: Mapped[str] = mapped_column(String(8))
    noise: Mapped[float | None]
    theatre: Mapped[str | None]
    source: Mapped[str | None]
    judgements: Mapped[int]
    needed: Mapped[int]
    stage: Mapped[int]
    adjudication_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    is_disputed: Mapped[bool]
    skipped_at: Mapped[str | None]
    prediction_id: Mapped[int | None] = mapped_column(ForeignKey("predictions.id"))
    release_id: Mapped[int | None] = mapped_column(ForeignKey("releases.id"))
    label: Mapped[str | None]
    confidence: Mapped[float | None]
    needs_review: Mapped[bool]
