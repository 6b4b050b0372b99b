"""What is sent and what is answered, as data models: they check requests and make the OpenAPI."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from claimwire.data.labels import Label
from claimwire.serve.records import replace_lone_surrogates

MAX_ID_CHARACTERS = 200


def _whole_characters(value: object) -> object:
    return replace_lone_surrogates(value)[0] if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_whole_characters)]
"""Text in which halves of surrogate pairs, which JSON can smuggle in, became U+FFFD."""


Prose = Annotated[Text, Field(json_schema_extra={"pattern": r"\S"})]
"""Text that is not blank: the document says so, and reading the body checks it with its place."""


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ArticleIn(_Request):
    """One article to split and tag."""

    text: Prose = Field(description="Plain text, or a whole web page; not blank.")
    id: Annotated[Text, Field(min_length=1, max_length=MAX_ID_CHARACTERS)] | int | None = Field(
        None,
        description="Comes back as `article_id`. Default: the article's number in the request.",
    )
    format: Literal["auto", "text", "html"] = Field(
        "auto", description="How `text` is read; `auto` takes what begins like a page for HTML."
    )


class ArticlesIn(_Request):
    """Several articles to split and tag."""

    articles: list[ArticleIn] = Field(min_length=1)


class SentencesIn(_Request):
    """Sentences to tag as they are."""

    sentences: list[Prose] = Field(min_length=1, description="None of them blank.")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scores(_Answer):
    """Calibrated probability of each label, 4 decimals."""

    attack_claim: float = Field(ge=0, le=1)
    interception_claim: float = Field(ge=0, le=1)
    attribution_inference: float = Field(ge=0, le=1)
    background: float = Field(ge=0, le=1)


class SentenceOut(_Answer):
    """One tagged sentence: a record of `claimwire tag --unit sentence`."""

    text: str
    label: Label = Field(description="The primary label, `labels[0]`.")
    labels: list[Label] = Field(description="All labels, the primary one first.")
    scores: Scores
    confidence: float = Field(ge=0, le=1, description="Calibrated probability of `label`.")
    needs_review: bool = Field(
        description="The confidence is under the release's review threshold, or it was cut."
    )
    truncated: bool = Field(description="The sentence was longer than the model reads.")
    english: bool = Field(description="The text looks like English, which the model reads.")
    model: str = Field(description="Name, version and digest of the release.")


class ArticleSentenceOut(SentenceOut):
    """One tagged sentence of an article: a record of `claimwire tag`."""

    article_id: str | int
    sentence_index: int = Field(ge=0, description="0, 1, 2, ... in the article.")
    start: int = Field(ge=0, description="First code point in the article.")
    end: int = Field(ge=0, description="`article[start:end] == text`.")
    article_text: str | None = Field(
        None, description="First record of a web page alone: its text, in which offsets count."
    )


class RemovedOut(_Answer):
    """A stretch of an article that is no sentence."""

    start: int
    end: int
    text: str
    reason: str


class ArticleOut(_Answer):
    """One article's sentences."""

    article_id: str | int
    sentences: list[ArticleSentenceOut]
    removed: list[RemovedOut] = Field(description="What was taken for no prose, and why.")
    notes: list[str] = Field(description="What else is good to know; mostly empty.")


class ArticlesOut(_Answer):
    """The articles of a request, in its order."""

    model: str
    articles: list[ArticleOut]


class SentencesOut(_Answer):
    """The sentences of a request, in its order."""

    model: str
    sentences: list[SentenceOut]
    notes: list[str]


class LimitsOut(_Answer):
    """The limits of one request."""

    max_body_bytes: int
    max_articles: int
    max_sentences: int
    timeout_seconds: float


class ModelOut(_Answer):
    """The release that is served."""

    model: str = Field(description="Name, version and short digest, as in every record.")
    name: str
    version: str
    digest: str = Field(description="sha256 of the manifest, which covers every file.")
    created: str
    base: str
    precision: str
    max_length: int = Field(description="Longest sentence, in tokens.")
    labels: list[Label]
    thresholds: dict[Label, float]
    review_threshold: float
    metrics: dict[str, float]
    claimwire: str = Field(description="Version of the software.")
    limits: LimitsOut


class StatusOut(_Answer):
    """A probe's answer."""

    status: Literal["ok", "ready"]


class FieldErrorOut(_Answer):
    """One thing that is wrong in a request."""

    pointer: str = Field(description="JSON Pointer into the body; empty for all of it.")
    detail: str


class ProblemOut(_Answer):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = Field(None, description="The request, as `X-Request-Id` names it.")
    errors: list[FieldErrorOut] | None = None
