"""Records of ``claimwire tag`` as articles to import: read strictly, one problem a bad record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from claimwire.data.errors import InputError
from claimwire.data.labels import LABELS, problem_with_labels
from claimwire.serve.records import json_kind, text_of
from claimwire.serve.review.hashes import sha256_hex
from claimwire.serve.review.problems import Problems
from claimwire.serve.review.tables import canonical_json
from claimwire.serve.review.texts import require_storable
from claimwire.serve.review.weeks import day_of


@dataclass(frozen=True, slots=True)
class IncomingPrediction:
    """What a record says that a release said; the fields are the record's."""

    release: str
    label: str
    labels: list[str]
    scores: dict[str, float]
    confidence: float
    needs_review: bool
    truncated: bool


@dataclass(frozen=True, slots=True)
class IncomingSentence:
    """A sentence of a record; ``position`` is its ``sentence_index``."""

    text: str
    position: int
    start: int | None
    end: int | None
    noise: float | None
    prediction: IncomingPrediction | None


@dataclass(slots=True)
class IncomingArticle:
    """An article with its sentences, or a sentence that stands alone."""

    key: str
    title: str | None = None
    theatre: str | None = None
    source: str | None = None
    published: str | None = None
    sentences: list[IncomingSentence] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Sha256 of the canonical JSON of the key and the sentences' texts."""
        return sha256_hex(canonical_json([self.key, *(s.text for s in self.sentences)]))

    def describe(self, record: Mapping[str, object]) -> None:
        """Take over what a record says of the article and was not known yet."""
        self.title = self.title or _words(record, "title")
        self.theatre = self.theatre or _words(record, "theatre")
        self.source = self.source or _words(record, "source")
        days = (day_of(record.get(name)) for name in ("date", "published"))
        self.published = self.published or next(filter(None, days), None)


def articles_of(
    records: Iterable[Mapping[str, object]], problems: Problems
) -> Iterator[IncomingArticle]:
    """Put records together into articles, as they stream by.

    The records of an article follow each other, their ``sentence_index`` going up. A record without
    ``article_id`` is an article of its own.

    Args:
        records: tagged records.
        problems: where a record that cannot be used is told, with its number from 1.
    """
    article: IncomingArticle | None = None
    for number, record in enumerate(records, start=1):
        try:
            sentence = _sentence(record)
            key = _key(record, sentence.text)
        except InputError as error:
            problems.add(f"record {number}: {error}")
            continue
        alone = record.get("article_id") is None
        if article is not None and (alone or not _goes_on(article, key, sentence)):
            yield article
            article = None
        if article is None:
            article = IncomingArticle(key)
        article.describe(record)
        article.sentences.append(sentence)
        if alone:
            yield article
            article = None
    if article is not None:
        yield article


def _goes_on(article: IncomingArticle, key: str, sentence: IncomingSentence) -> bool:
    return article.key == key and sentence.position > article.sentences[-1].position


def _key(record: Mapping[str, object], text: str) -> str:
    """Return the article's key; a sentence without any name gets one from its text."""
    for name in ("article_id", "id"):
        value = record.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return require_storable(name, str(value))
        if value is not None and name == "article_id":
            raise InputError(
                f"expected a string or a whole number in 'article_id', found {_kind(value)}: "
                "give the article's name"
            )
    return f"sentence {sha256_hex(text)[:12]}"


def _sentence(record: Mapping[str, object]) -> IncomingSentence:
    in_article = record.get("article_id") is not None
    return IncomingSentence(
        text=require_storable("text", text_of(record, "text")),
        position=_whole(record, "sentence_index") if in_article else 0,
        start=_whole_or_none(record, "start"),
        end=_whole_or_none(record, "end"),
        noise=_share_or_none(record, "noise"),
        prediction=_prediction(record) if "model" in record else None,
    )


def _prediction(record: Mapping[str, object]) -> IncomingPrediction:
    release, labels, scores = record["model"], record.get("labels"), record.get("scores")
    if not isinstance(release, str) or not release.strip():
        raise InputError(
            "expected the release's name in 'model', found "
            f"{_kind(release)}: give records of claimwire tag --format jsonl"
        )
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError("expected a list of labels in 'labels': give records of claimwire tag")
    problem = problem_with_labels(labels)
    if problem:
        raise InputError(f"'labels': {problem}")
    if record.get("label") != labels[0]:
        raise InputError(
            f"expected 'label' to be the first of {labels}, found {record.get('label')!r}: "
            "give records of claimwire tag"
        )
    if not isinstance(scores, Mapping) or set(scores) != set(LABELS):
        raise InputError(
            f"expected a probability for each of {', '.join(LABELS)} in 'scores', found "
            f"{sorted(scores) if isinstance(scores, Mapping) else json_kind(scores)}: give records "
            "of claimwire tag --format jsonl"
        )
    kept = {label.value: _share(scores, label.value) for label in LABELS}
    confidence = _share_or_none(record, "confidence")
    return IncomingPrediction(
        release=require_storable("model", release),
        label=labels[0],
        labels=labels,
        scores=kept,
        confidence=kept[labels[0]] if confidence is None else confidence,
        needs_review=record.get("needs_review") is True,
        truncated=record.get("truncated") is True,
    )


def _kind(value: object) -> str:
    return "a blank string" if isinstance(value, str) else json_kind(value)


def _words(record: Mapping[str, object], name: str) -> str | None:
    value = record.get(name)
    if isinstance(value, str) and value.strip():
        return require_storable(name, value.strip())
    return None


def _whole_or_none(record: Mapping[str, object], name: str) -> int | None:
    return None if record.get(name) is None else _whole(record, name)


def _whole(record: Mapping[str, object], name: str) -> int:
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    raise InputError(
        f"{name!r}: expected a whole number of 0 or more, found "
        f"{value if isinstance(value, int) else json_kind(value)}: give records of claimwire tag"
    )


def _share_or_none(record: Mapping[str, object], name: str) -> float | None:
    return None if record.get(name) is None else _share(record, name)


def _share(record: Mapping[str, object], name: str) -> float:
    value, found = record.get(name), ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if 0 <= value <= 1:
            return float(value)
        found = str(value)
    raise InputError(
        f"{name!r}: expected a number from 0 to 1, found {found or json_kind(value)}: correct it"
    )
