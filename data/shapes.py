"""The two shapes of labelled text: documents of the corpus, and single records from elsewhere.

Both refuse unknown fields and never convert a value (``"2021"`` is no year).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from claimwire.data.jsonlines import describe_value, did_you_mean
from claimwire.data.labels import LABELS, Label, problem_with_labels
from claimwire.data.parties import SIDE, stands_in

Split = Literal["train", "validation", "test"]

OWN_MESSAGE: Final = "claimwire"
"""Type of the validation errors whose message is written here, not by pydantic."""


class Theatre(StrEnum):
    """Where the reported events take place."""

    IRAQ_SYRIA = "iraq-syria"
    GULF_YEMEN = "gulf-yemen"
    LEVANT_IRAN = "levant-iran"
    UKRAINE_RUSSIA = "ukraine-russia"
    SOUTH_ASIA = "south-asia"
    AFRICA = "africa"
    LATIN_AMERICA = "latin-america"
    EAST_ASIA = "east-asia"
    EUROPE_HISTORIC = "europe-historic"
    FICTIONAL = "fictional"
    OTHER = "other"


class Genre(StrEnum):
    """What kind of text a document is."""

    WIRE = "wire"
    FEATURE = "feature"
    ANALYSIS = "analysis"
    COMMUNIQUE = "communique"
    MILITIA_STATEMENT = "militia-statement"
    LIVE_BLOG = "live-blog"
    NGO_REPORT = "ngo-report"
    BROADCAST = "broadcast"
    TRANSLATED_PRESS = "translated-press"
    DIGEST = "digest"
    INTERVIEW = "interview"
    SOCIAL_POST = "social-post"
    OP_ED = "op-ed"
    MAGAZINE = "magazine"


def _labels_by_the_contract(value: object) -> list[Label]:
    """Turn a list of names into labels, or say which part of the label contract it breaks."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PydanticCustomError(
            OWN_MESSAGE,
            "expected a list of labels, primary first, found {found}",
            {"found": describe_value(value)},
        )
    problem = problem_with_labels(value)
    if problem is not None:
        strange = next((name for name in value if name not in list(LABELS)), None)
        hint = "" if strange is None else did_you_mean(strange, LABELS)
        raise PydanticCustomError(OWN_MESSAGE, "{problem}", {"problem": problem + hint})
    return [Label(name) for name in value]


def _names_with_sides(value: object) -> dict[str, str] | None:
    """Return the sides by name, or say which entry is no name with a slug."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _parties_error("", f"expected {EXPECTED['parties']}, found {describe_value(value)}")
    for name, side in value.items():
        if not isinstance(name, str) or not name or name != name.strip():
            found = describe_value(name)
            raise _parties_error("", f"expected names without spaces around them, found {found}")
        if not isinstance(side, str) or not SIDE.fullmatch(side):
            message = "expected a side in small letters, such as al-shabaab, found "
            raise _parties_error(f"{name}: ", message + describe_value(side))
    return value


def _parties_error(place: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(OWN_MESSAGE, "{problem}", {"problem": place + message})


Text = Annotated[str, Field(pattern=r"\S")]
Parties = Annotated[dict[str, str] | None, BeforeValidator(_names_with_sides)]
Labels = Annotated[list[Label], BeforeValidator(_labels_by_the_contract)]
TheatreName = Annotated[Theatre, Field(strict=False)]
GenreName = Annotated[Genre, Field(strict=False)]
Year = Annotated[int, Field(ge=1000, le=2100)]

EXPECTED: Final[dict[str, str]] = {
    "text": "a string that is not blank",
    "labels": "a list of labels, primary first",
    "hard": "true or false",
    "is_title": "true or false",
    "doc_id": "a string that is not blank",
    "title": "a string that is not blank",
    "theatre": "one of " + ", ".join(Theatre),
    "genre": "one of " + ", ".join(Genre),
    "year": "a whole number from 1000 to 2100",
    "parties": "an object of sides by name, or null",
    "sentences": "a list of one or more sentences, each an object with text and labels",
    "id": "a string that is not blank",
    "source": "a string that is not blank",
    "split": "one of " + ", ".join(get_args(Split)),
    "path": "a string",
    "round": "a whole number from 0",
    "note": "a string",
}
"""What each field holds, in the words of the error messages."""

VOCABULARIES: Final[dict[str, tuple[str, ...]]] = {
    "theatre": tuple(Theatre),
    "genre": tuple(Genre),
    "split": get_args(Split),
}
"""The fields that take one of a few names, with the names."""


class _Strict(BaseModel):
    """Nothing is converted, nothing unknown is taken, nothing changes afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class LabelledSentence(_Strict):
    """One sentence of a document.

    Attributes:
        text: the sentence, not blank.
        labels: one or more labels, the primary first; ``background`` only alone.
        hard: two careful readers could differ.
        is_title: the sentence is the document's headline.
    """

    text: Text
    labels: Labels
    hard: bool = False
    is_title: bool = False


class Document(_Strict):
    """One article with its labelled sentences, in order.

    Attributes:
        doc_id: unique over the whole corpus, and stable.
        title: the headline.
        theatre: where the reported events take place.
        genre: what kind of text it is.
        year: when the piece is set, 1000-2100.
        parties: the side of each party to the fighting by its name as it stands in a sentence,
            such as ``{"Kyiv": "ukraine"}``; empty where none is named, None where nobody looked.
        sentences: one or more; only the first may be the title, and then reads like it.
    """

    doc_id: Text
    title: Text
    theatre: TheatreName
    genre: GenreName
    year: Year
    parties: Parties = None
    sentences: Annotated[list[LabelledSentence], Field(min_length=1)]

    @model_validator(mode="after")
    def _only_the_first_is_the_title(self) -> Self:
        for index, sentence in enumerate(self.sentences):
            if not sentence.is_title:
                continue
            if index > 0:
                problem = (
                    f"sentences[{index}].is_title: expected only sentences[0] to be the title, "
                    "found true: set it to false"
                )
                raise PydanticCustomError(OWN_MESSAGE, "{problem}", {"problem": problem})
            if sentence.text != self.title:
                problem = (
                    f"sentences[0].text: expected the title, {describe_value(self.title)}, found "
                    f"{describe_value(sentence.text)}: make them equal, or is_title false"
                )
                raise PydanticCustomError(OWN_MESSAGE, "{problem}", {"problem": problem})
        return self

    @model_validator(mode="after")
    def _parties_stand_in_the_text(self) -> Self:
        texts = [sentence.text for sentence in self.sentences]
        for name in self.parties or ():
            if not stands_in(name, texts):
                raise _parties_error(
                    f"parties: {name}: ",
                    "expected a name that stands in a sentence as it is written here, found none: "
                    "write it as the text has it, or leave it out",
                )
        return self


class Record(_Strict):
    """One labelled sentence from outside the corpus, with what is known of where it is from.

    Attributes:
        text: the sentence, not blank.
        labels: one or more labels, the primary first; ``background`` only alone.
        id: the record's own name.
        doc_id: the document it was taken from; splits are by document.
        theatre: where the reported events take place.
        source: the collection it was taken from.
        split: train, validation or test; None is left to the caller.
        hard: two careful readers could differ.
        is_title: the sentence is a headline.
        genre: what kind of text the document is.
        year: when the document is set, 1000-2100.
        path: file of the source in which the document stands.
        round: which round of annotation it was labelled in, from 0.
        note: anything a reader should know, such as why it is hard.
    """

    text: Text
    labels: Labels
    id: Text | None = None
    doc_id: Text | None = None
    theatre: TheatreName | None = None
    source: Text | None = None
    split: Split | None = None
    hard: bool = False
    is_title: bool = False
    genre: GenreName | None = None
    year: Year | None = None
    path: str | None = None
    round: Annotated[int, Field(ge=0)] | None = None
    note: str | None = None
