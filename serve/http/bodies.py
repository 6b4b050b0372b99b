"""Request bodies: read within their limits, and turned into texts to tag."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import Message
from typing import Final, NoReturn, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from claimwire.data.decode import decode, looks_binary
from claimwire.data.errors import ClaimwireError, MissingExtraError
from claimwire.data.html import html_to_text, looks_like_html
from claimwire.serve.http import problems
from claimwire.serve.http.problems import FieldError, ProblemError
from claimwire.serve.http.schemas import ArticleIn, ArticlesIn, SentencesIn, _Request
from claimwire.serve.items import Item
from claimwire.serve.records import replace_lone_surrogates

JSON: Final = "application/json"
PLAIN: Final = "text/plain"
HTML: Final = "text/html"
ARTICLE_TYPES: Final = (JSON, PLAIN, HTML)
SENTENCE_TYPES: Final = (JSON,)

_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "utf-16"})
_FROM_HTTP: Final = "request"

RequestModel = TypeVar("RequestModel", bound=_Request)


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it came: its type, one of those accepted, and its bytes."""

    media_type: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """One text to tag and what is to be said about it."""

    item: Item
    notes: tuple[str, ...] = ()


def media_type_of(request: Request, accepted: Sequence[str]) -> str:
    """Return the type of a request's body; without a header it counts as JSON.

    Raises:
        ProblemError: it is none of ``accepted``, compressed, or in an encoding not read here.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        _refuse_type(f"expected a body without Content-Encoding, found {encoding[:40]!r}")
    header = request.headers.get("content-type", JSON)
    message = Message()
    message["content-type"] = header
    media_type = header.partition(";")[0].strip().lower()
    if media_type.startswith("application/") and media_type.endswith("+json"):
        media_type = JSON
    charset = str(message.get_param("charset", "utf-8")).lower()
    if media_type not in accepted or charset not in _CHARSETS:
        _refuse_type(
            f"expected Content-Type {' or '.join(accepted)} in UTF-8, found {header[:80]!r}"
        )
    return media_type


def _refuse_type(what: str) -> NoReturn:
    raise ProblemError(problems.UNSUPPORTED, f"{what}: send it so")


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body, as far as the limit.

    Raises:
        ProblemError: it is larger, or the client went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            chunks.append(chunk)
    except ClientDisconnect:
        detail = "expected a whole body, found the connection closed: send it again"
        raise ProblemError(problems.MALFORMED, detail) from None
    return b"".join(chunks)


def _too_large(max_bytes: int) -> ProblemError:
    detail = f"expected at most {max_bytes:,} bytes, found more: send fewer articles at a time"
    return ProblemError(problems.BODY_TOO_LARGE, detail)


def read_articles(body: Body, max_articles: int) -> list[Text]:
    """Turn a body into articles: one in plain text or HTML, or one or several in JSON.

    Raises:
        ProblemError: it is malformed, of another shape, or too much; or an article is blank,
            or a page without an article. All articles at fault are named.
    """
    if body.media_type != JSON:
        return [_one(body)]
    value = _parse(body.raw)
    if isinstance(value, dict) and "articles" in value:
        listed = value["articles"]
        if isinstance(listed, list) and len(listed) > max_articles:
            raise ProblemError(
                problems.TOO_MANY_ARTICLES,
                f"expected at most {max_articles} articles, found {len(listed)}: send them in "
                "several requests",
            )
        articles = _validated(ArticlesIn, value).articles
        places = [f"/articles/{number}/text" for number in range(len(articles))]
        raw = [entry["text"] for entry in listed]
    else:
        articles = [_validated(ArticleIn, value)]
        places = ["/text"]
        raw = [value["text"]] if isinstance(value, dict) else []
    read: list[Text] = []
    errors: list[FieldError] = []
    kind = problems.INVALID
    for number, (article, text, place) in enumerate(zip(articles, raw, places, strict=True), 1):
        try:
            read.append(_article(article, number, replace_lone_surrogates(text)[1]))
        except _BadTextError as error:
            errors.append(FieldError(place, str(error)))
            kind = error.kind if kind is problems.INVALID else kind
    if errors:
        raise _refusal(errors, kind)
    return read


def read_sentences(body: Body) -> list[Text]:
    """Turn a JSON body into sentences.

    Raises:
        ProblemError: it is malformed, of another shape, or a sentence is blank.
    """
    value = _parse(body.raw)
    sentences = _validated(SentencesIn, value).sentences
    _refuse(
        [
            FieldError(f"/sentences/{number}", _BLANK)
            for number, text in enumerate(sentences)
            if not text.strip()
        ]
    )
    assert isinstance(value, dict)
    return [
        Text(
            Item(_FROM_HTTP, number, number, text, {"text": text}, is_sentence=True),
            _replaced_notes(replace_lone_surrogates(raw)[1], f"sentence {number}: "),
        )
        for number, (text, raw) in enumerate(zip(sentences, value["sentences"], strict=True), 1)
    ]


class _BadTextError(Exception):
    """One text cannot be tagged; the message says why."""

    kind = problems.INVALID


class _NotReadHereError(_BadTextError):
    """It needs what this server lacks."""

    kind = problems.UNSUPPORTED


_NO_HTML: Final = (
    "expected plain text, found HTML, which this server has no extra [files] for: send its text"
)
_BLANK: Final = "expected text, found a blank string: give the text, or leave it out"


def _one(body: Body) -> Text:
    """Read a body that is one article."""
    if looks_binary(body.raw):
        _refuse_type("expected text, found binary data")
    decoded = decode(body.raw)
    is_page = body.media_type == HTML
    try:
        article = ArticleIn(text=decoded.text, format="html" if is_page else "auto")
        return _article(article, 1, decoded.replaced)
    except _BadTextError as error:
        raise _refusal([FieldError("", str(error))], error.kind) from None


def _article(article: ArticleIn, number: int, replaced: int) -> Text:
    if not article.text.strip():
        raise _BadTextError(_BLANK)
    identity = number if article.id is None else article.id
    item = Item(_FROM_HTTP, number, identity, article.text)
    notes = _replaced_notes(replaced, "")
    is_page = article.format == "html" or (
        article.format == "auto" and looks_like_html(article.text)
    )
    if not is_page:
        return Text(item, notes)
    try:
        return Text(replace(item, text=html_to_text(article.text), extracted=True), notes)
    except MissingExtraError:
        raise _NotReadHereError(_NO_HTML) from None
    except ClaimwireError as error:
        raise _BadTextError(str(error)) from None


def _replaced_notes(count: int, where: str) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{where}{count} invalid bytes or halves of surrogate pairs became U+FFFD",)


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise _refusal(errors)


def _refusal(errors: Sequence[FieldError], kind: problems.Kind = problems.INVALID) -> ProblemError:
    first = errors[0]
    detail = f"{first.pointer}: {first.detail}" if first.pointer else first.detail
    if len(errors) > 1:
        detail += f" (and {len(errors) - 1} more)"
    return ProblemError(kind, detail, errors)


def _validated(model: type[RequestModel], value: object) -> RequestModel:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
    raise _refusal([FieldError(_pointer(e["loc"]), _message(e["type"], e["msg"])) for e in found])


def _message(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "expected one of the documented fields, found another: leave it out"
    return message


def _pointer(location: Sequence[str | int]) -> str:
    """Return a JSON Pointer; long keys are cut."""
    parts = [str(part) for part in location]
    if _UNION in parts:  # what follows are pydantic's own names of the types it may have
        parts = parts[: parts.index(_UNION) + 1]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1")[:80] for part in parts)


_UNION: Final = "id"
"""The one field that may have several types."""


def _parse(raw: bytes) -> object:
    """Read JSON strictly: no key twice, no NaN, UTF-8.

    Raises:
        ProblemError: it is anything else.
    """
    try:
        return json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        found = f"bytes that are no UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        found = f"malformed JSON ({error.msg} at line {error.lineno} column {error.colno})"
    except RecursionError:
        found = "JSON nested too deeply"
    except ValueError as error:
        # One of ours, or int()'s, which speaks of a limit on digits.
        found = str(error) if isinstance(error, _StrictnessError) else "a number of endless digits"
    raise ProblemError(problems.MALFORMED, f"expected JSON in UTF-8, found {found}: mend it")


class _StrictnessError(ValueError):
    """JSON that says two things, or something that JSON does not have."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _StrictnessError("a key that stands twice in one object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise _StrictnessError(f"{name}, which JSON does not have")
