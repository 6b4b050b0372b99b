"""The corpus checks: what makes a test score a lie, found before training.

A sentence that stands in train and again in test is remembered, not understood. Copies across
splits and documents in two splits therefore fail; copies within a split only weigh a little more
and are tolerated up to a share. The schema and the labels are checked by the readers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from claimwire.data.corpus import SPLITS, Example
from claimwire.data.duplicates import near_duplicates, normalise

WITHIN_SPLIT_TOLERANCE: Final = 0.005
"""Share of a split's sentences that may repeat another one of the split: 1 in 200."""

LEAST_WORDS_FOR_EXACT: Final = 4
"""Shorter copies ("No one was hurt.") are what independent writers write: notes, not failures."""

_TEXT_SHOWN: Final = 100


class Rule(StrEnum):
    """What is checked."""

    SCHEMA = "schema and labels"
    DOCUMENT_SPLITS = "documents in two splits"
    DOCUMENT_TWICE = "documents that stand twice"
    EXACT_ACROSS = "exact duplicates across splits"
    NEAR_ACROSS = "near duplicates across splits"
    WITHIN = "duplicates within a split"
    SHORT = "exact duplicates under 4 words"
    ANNOTATIONS = "labels as annotated"
    SHARED_RUNS = "eight words of real text"
    TEMPLATES = "template smell"
    BALANCE = "balance of the sides"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    Attributes:
        rule: the rule it belongs to.
        message: what was found and, for a failure, what to do.
        where: the positions it is about.
        fails: True for a failure, False for a note.
    """

    rule: Rule
    message: str
    where: tuple[str, ...] = ()
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two sentences that say the same; ``similarity`` is 1.0 for an exact pair."""

    first: Example
    second: Example
    similarity: float
    exact: bool
    words: int

    @property
    def across(self) -> bool:
        """Whether the two stand in different splits."""
        return self.first.split != self.second.split

    @property
    def short(self) -> bool:
        """Whether it is an exact pair of so few words that nobody copied it."""
        return self.exact and self.words < LEAST_WORDS_FOR_EXACT


def check_corpus(examples: Sequence[Example]) -> list[Problem]:
    """Check loaded examples for documents in two places and for duplicates.

    Args:
        examples: what :func:`claimwire.data.corpus.load_examples` returned.

    Returns:
        Failures and notes in the order of the rules.

    Raises:
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    duplicates = find_duplicates(examples)
    problems = [*_documents(examples), *(_problem(pair) for pair in duplicates)]
    problems += _within_tolerance(examples, duplicates)
    order = list(Rule)
    return sorted(problems, key=lambda problem: (order.index(problem.rule), not problem.fails))


def _documents(examples: Sequence[Example]) -> Iterator[Problem]:
    """Yield the documents that stand in two splits, or twice in one."""
    by_document: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        if example.document_key is not None:
            by_document[example.document_key].append(example)
    for (_, doc_id), members in by_document.items():
        firsts = {example.split: example for example in reversed(members)}
        if len(firsts) > 1:
            yield Problem(
                Rule.DOCUMENT_SPLITS,
                f"{doc_id!r} is in {' and '.join(s for s in SPLITS if s in firsts)}: "
                "keep a document in one split",
                tuple(str(firsts[split].position) for split in SPLITS if split in firsts),
            )
            continue
        lines = {
            f"{example.position.file}:{example.position.line}": None
            for example in members
            if example.position.sentence is not None
        }
        if len(lines) > 1:
            message = f"{doc_id!r} stands {len(lines)} times: keep one, or give each its own doc_id"
            yield Problem(Rule.DOCUMENT_TWICE, message, tuple(lines))


def find_duplicates(examples: Sequence[Example]) -> list[Duplicate]:
    """Return the pairs of duplicates.

    A text that stands many times gives one pair for each later standing, with the first
    standing of its own split and the first of every other split: all that is needed to see what
    to remove, without a list that grows with the square.
    """
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_text[normalise(example.text)].append(example)
    by_text.pop("", None)
    pairs: list[Duplicate] = []
    for text, members in by_text.items():
        words = len(text.split())
        firsts = _first_by_split(members)
        for member in members:
            if member is not firsts[member.split]:
                pairs.append(Duplicate(firsts[member.split], member, 1.0, True, words))
        for first, second in combinations(firsts.values(), 2):
            pairs.append(Duplicate(first, second, 1.0, True, words))
    texts = list(by_text)
    for one, two, similarity in near_duplicates(texts):
        words = min(len(texts[one].split()), len(texts[two].split()))
        firsts, seconds = _first_by_split(by_text[texts[one]]), _first_by_split(by_text[texts[two]])
        for first in firsts.values():
            for second in seconds.values():
                pairs.append(Duplicate(first, second, similarity, False, words))
    return pairs


def _first_by_split(members: Sequence[Example]) -> dict[str, Example]:
    """Return the first example of each split."""
    firsts: dict[str, Example] = {}
    for member in members:
        firsts.setdefault(member.split, member)
    return firsts


def _problem(pair: Duplicate) -> Problem:
    """Return the finding for a pair: a failure only across splits, and not for a short one."""
    if pair.short:
        rule = Rule.SHORT
    elif not pair.across:
        rule = Rule.WITHIN
    else:
        rule = Rule.EXACT_ACROSS if pair.exact else Rule.NEAR_ACROSS
    fails = rule in (Rule.EXACT_ACROSS, Rule.NEAR_ACROSS)
    kind = "equal" if pair.exact else f"alike (Jaccard {pair.similarity:.2f})"
    splits = f"{pair.first.split} and {pair.second.split}" if pair.across else pair.first.split
    message = f"{kind} in {splits}: {shown(pair.first.text)}"
    if not pair.exact:
        message += f" | {shown(pair.second.text)}"
    if pair.first.labels != pair.second.labels:
        message += f"; their labels differ: {_names(pair.first)} | {_names(pair.second)}"
    if fails:
        message += "; remove one"
    return Problem(rule, message, (str(pair.first.position), str(pair.second.position)), fails)


def shown(text: str) -> str:
    """Return a sentence in quotation marks, its first 100 characters where it is longer."""
    return repr(text if len(text) <= _TEXT_SHOWN else text[:_TEXT_SHOWN] + "...")


def _names(example: Example) -> str:
    return ", ".join(example.labels)


def _within_tolerance(
    examples: Sequence[Example], duplicates: Sequence[Duplicate]
) -> Iterator[Problem]:
    """Yield a failure for each split where more sentences repeat another one than tolerated."""
    for split in SPLITS:
        size = sum(example.split == split for example in examples)
        repeated = within_split_repeats(duplicates, split)
        if size and repeated / size > WITHIN_SPLIT_TOLERANCE:
            yield Problem(
                Rule.WITHIN,
                f"{repeated:,} of {size:,} sentences of {split} repeat another one "
                f"({repeated / size:.2%}): at most {WITHIN_SPLIT_TOLERANCE:.1%} may; "
                "remove copies",
            )


def within_split_repeats(duplicates: Sequence[Duplicate], split: str) -> int:
    """Return how many sentences of ``split`` repeat an earlier one of it, exactly or nearly."""
    return len(
        {
            pair.second.position
            for pair in duplicates
            if not pair.across and not pair.short and pair.second.split == split
        }
    )
