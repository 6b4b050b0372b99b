"""Template smell: sentences made of phrases that many other documents have, too.

Text that is filled into templates, or written by one hand in one mood, repeats itself in its
joints: "at least NUM people were killed when", "for its part said that". Each sentence is therefore
looked at with its names and numbers replaced, as the set of its runs of four words. It smells where
at least half of that set stands in sentences of other documents, more than five of them together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import Sentence

GRAM: Final = 4
"""Words, a name or number of several words counting as one."""
SHARED: Final = 0.5
"""Share of a sentence's runs that other documents must have for it to smell."""
DOCUMENTS: Final = 5
"""Other documents that may have them; one more and it smells."""
TOLERANCE: Final = 0.03
"""Share of smelling sentences that fails. The same measure gives 0.8% to 1.5% on 350 documents of
labelled real sentences, drawn three times, and 6.3% on all 1,607: news repeats itself, too, and the
more documents there are, the more they share."""

NAME: Final = "NAME"
NUMBER: Final = "NUM"

_WORD: Final = re.compile(r"\d[\d.,:]*|[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NUMERALS: Final = re.compile(
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)"
    "teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-.*)?|hundred|thousand|million|billion|dozen"
)

Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Smelling:
    """A sentence that smells: the share of its runs that others have, and how many documents."""

    sentence: Sentence
    share: float
    documents: int


def smelling(sentences: Sequence[Sentence]) -> list[Smelling]:
    """Return the sentences that smell, the worst first; those under four words never do."""
    capitals = _capitals(sentences)
    grams = [_grams(_words(each.value.text, capitals)) for each in sentences]
    documents: dict[Gram, set[str]] = defaultdict(set)
    for sentence, of_sentence in zip(sentences, grams, strict=True):
        for gram in of_sentence:
            documents[gram].add(sentence.placed.document.doc_id)
    found = []
    for sentence, of_sentence in zip(sentences, grams, strict=True):
        own = {sentence.placed.document.doc_id}
        others = [documents[gram] - own for gram in of_sentence]
        together = len(set().union(*others))
        share = sum(map(bool, others)) / len(others) if others else 0.0
        if share >= SHARED and together > DOCUMENTS:
            found.append(Smelling(sentence, share, together))
    return sorted(found, key=lambda each: (-each.share, -each.documents))


def check_templates(sentences: Sequence[Sentence]) -> list[Problem]:
    """Return a note for each sentence that smells and a failure where there are too many."""
    found = smelling(sentences)
    problems = [
        Problem(
            Rule.TEMPLATES,
            f"{each.share:.0%} of its phrases stand in {each.documents} other documents: "
            f"{each.sentence.value.text!r}",
            (str(each.sentence.position),),
            fails=False,
        )
        for each in found
    ]
    share = len(found) / max(1, len(sentences))
    if share >= TOLERANCE:
        message = (
            f"{len(found):,} of {len(sentences):,} sentences ({share:.1%}) are made of common "
            f"phrases: less than {TOLERANCE:.0%} may; write them anew"
        )
        problems.insert(0, Problem(Rule.TEMPLATES, message))
    return problems


def _capitals(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Return how often each word bears a capital where grammar asks for none.

    Headlines and first words say nothing about names, so that they are left out.
    """
    seen: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for sentence in sentences:
        if sentence.value.is_title:
            continue
        for word in _WORD.findall(sentence.value.text)[1:]:
            seen[word.lower()] += 1
            capital[word.lower()] += word[0].isupper()
    return {word: capital[word] / count for word, count in seen.items()}


def _words(text: str, capitals: Mapping[str, float]) -> list[str]:
    """Return the words in small letters, names and numbers replaced, several in a row as one."""
    words: list[str] = []
    for word in _WORD.findall(text):
        lower = word.lower()
        if word[0].isdigit() or _NUMERALS.fullmatch(lower):
            shape = NUMBER
        else:
            # A word that stands nowhere else is judged by the capital that it bears here.
            name = capitals.get(lower, float(word[0].isupper())) > 0.5
            shape = NAME if name else lower
        if shape not in (NAME, NUMBER) or words[-1:] != [shape]:
            words.append(shape)
    return words


def _grams(words: Sequence[str]) -> set[Gram]:
    return {tuple(words[start : start + GRAM]) for start in range(len(words) - GRAM + 1)}
