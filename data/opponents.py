"""Opponents in conflicts, and sentences with the opponents exchanged.

Who does something must not change what is claimed, so a sentence whose parties are exchanged must
keep its label. Within one conflict every name has one counterpart, so that exchanging twice gives
the sentence back.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from claimwire.data.behaviour_cases import PARTIES_FILE, default_behaviour
from claimwire.data.jsonlines import Fault, describe_value, raise_for_faults
from claimwire.data.yaml_entries import Entry, read_entries

_SPELT_WITH_VOWEL: Final = frozenset("AEFHILMNORSX")
"""Letters whose names begin with a vowel: an RSF raid, a PKK raid."""
_SPOKEN_AS_WORDS: Final = frozenset({"FARC"})
_PLURAL: Final = "s|(?<=[A-Z]{4})S"
"""A capital S makes a plural of a word in capitals; USS is none of US."""


@dataclass(frozen=True)
class Conflict:
    """Two sides by their names.

    Attributes:
        name: of the conflict, such as ``russia-ukraine``.
        swaps: pairs of names, left and right side; no name stands twice. A name may begin with
            "the", which then goes and comes with it, and is matched capitalised, too.
        aliases: other spellings and the name that each stands for.
        keep: phrases that contain a name and are no party (Indian Ocean).
    """

    name: str
    swaps: tuple[tuple[str, str], ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()

    def named(self, text: str) -> tuple[int, int]:
        """Return how often ``text`` names the left and the right side."""
        lefts = {form for left, _ in self.swaps for form in (left, left.upper())}
        matches = self._names.finditer(self.plain(text))
        found = [_as_listed(match["name"], self._counterpart) for match in matches if match["name"]]
        on_left = sum(name in lefts for name in found)
        return on_left, len(found) - on_left

    def plain(self, text: str) -> str:
        """Return ``text`` with every alias written as the name that it stands for."""
        return self._spellings.sub(self._unaliased, text)

    def swap(self, text: str) -> str:
        """Return ``text`` with the names of the two sides exchanged, both ways at once.

        Whole words only; upper case, plurals, possessives, a/an and a sentence's first capital
        follow. Swapping twice gives :meth:`plain` of the text, except that Hamas' comes back as
        Hamas's and a/an comes back as the rule has it.
        """
        return self._names.sub(self._exchanged, self.plain(text))

    @cached_property
    def _counterpart(self) -> dict[str, str]:
        counterpart: dict[str, str] = {}
        for left, right in self.swaps:
            counterpart |= {left: right, right: left}
            # A name all in capitals looks the same in a headline: there is no way back from it.
            if not left.isupper() and not right.isupper():
                counterpart |= {left.upper(): right.upper(), right.upper(): left.upper()}
        return counterpart

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return _name_pattern(self._counterpart, self.keep)

    @cached_property
    def _spellings(self) -> re.Pattern[str]:
        return _name_pattern(self.aliases, self.keep)

    def _unaliased(self, match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        alias, rest = match["name"], match.string[match.end() :]
        # The full stop of an abbreviation at the end is the sentence's, too.
        ends = alias.endswith(".") and not rest.strip("\"'”’) ")
        return _rewritten(match, self.aliases) + ("." if ends else "")

    def _exchanged(self, match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        return _rewritten(match, self._counterpart)


def _name_pattern(names: Iterable[str], keep: Iterable[str]) -> re.Pattern[str]:
    return re.compile(
        rf"(?<!\w)(?:(?P<kept>{_any_of(keep)})(?!\w)|"
        rf"(?:(?P<article>[Aa]n?)(?P<space>\s+))?(?P<name>{_any_of(names)})(?P<plural>{_PLURAL})?(?!\w)"
        # A bare apostrophe is a possessive only after an s: Hamas' men, the Houthis' men.
        r"(?P<possessive>(?<=[sS])['’](?=\s\w))?)"
    )


def _any_of(words: Iterable[str]) -> str:
    """Return a pattern that matches any of ``words``, the longest first; of none, nothing."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    # What begins with a small letter (the United States, al-Shabaab) may begin a sentence.
    begun = [
        f"[{word[0]}{word[0].upper()}]" if word[0].islower() else re.escape(word[0])
        for word in ordered
    ]
    escaped = (first + re.escape(word[1:]) for first, word in zip(begun, ordered, strict=True))
    return "|".join(escaped) or r"(?!)"


def _as_listed(name: str, listed: Container[str]) -> str:
    """Return a name as the table has it: The United States stands there with a small t."""
    return name if name in listed else name[0].lower() + name[1:]


def _rewritten(match: re.Match[str], names: Mapping[str, str]) -> str:
    """Return what ``names`` has for ``match``, with its article, plural, possessive and capital."""
    listed = _as_listed(match["name"], names)
    name = names[listed]
    plural, possessive = match["plural"] or "", match["possessive"] or ""
    if possessive and not (name + plural).lower().endswith("s"):
        possessive += "s"
    begins = not any(character.isalpha() for character in match.string[: match.start()])
    # Al-Shabaab, listed with a small letter, begins something: "SOMALIA: Al-Shabaab attacked".
    if name[0].islower() and (begins or listed != match["name"]):
        name = name[0].upper() + name[1:]
    article = ""
    if match["article"]:
        article = _article_for(name, match["article"]) + match["space"]
    return article + name + plural + possessive


def _article_for(name: str, before: str) -> str:
    """Return a or an as ``name`` needs it, with the capital letter of the article ``before``."""
    first_word = name.split()[0]
    spelt = first_word.isupper() and len(first_word) < 5 and first_word not in _SPOKEN_AS_WORDS
    vowel = name[0] in (_SPELT_WITH_VOWEL if spelt else "AEIOaeio")
    return before[0] + ("n" if vowel else "")


@dataclass(frozen=True, slots=True)
class Swapped:
    """A sentence with the parties exchanged, and the conflict whose parties they are."""

    text: str
    conflict: str


def swap_parties(text: str, conflicts: Sequence[Conflict]) -> Swapped | None:
    """Exchange the opponents in a sentence.

    The conflict is one both of whose sides the sentence names, else one that it names one side
    of; among those, the one that it names most often; among equals the first. None where the
    sentence names no party.
    """
    best, best_score = None, (False, 0)
    for conflict in conflicts:
        left, right = conflict.named(text)
        score = (left > 0 and right > 0, left + right)
        if score > best_score:
            best, best_score = conflict, score
    return None if best is None else Swapped(best.swap(text), best.name)


def swap_sentence(
    text: str, conflicts: Sequence[Conflict], own: Conflict | None = None
) -> Swapped | None:
    """Exchange the parties of a sentence, its own document's before those of the table.

    None where the sentence names no party or stays as it is.
    """
    swap = swap_parties(text, [own]) if own else None
    swap = swap or swap_parties(text, conflicts)
    return None if swap is None or swap.text == text else swap


def conflict_of_document(
    parties: Mapping[str, str] | None, table: Sequence[Conflict] = ()
) -> Conflict | None:
    """Return the conflict that a document's own ``parties`` (sides by name) describe.

    None where they are not two sides with one proper name each, of one kind (both Velmari and
    Oskan, or both Velmar and Osk), since then which name answers to which is not said; and where
    a conflict of ``table`` knows both names, since it pairs them better.
    """
    names: dict[str, set[str]] = {}
    for name, side in (parties or {}).items():
        names.setdefault(side, set()).add(re.sub(r"(?i)^the\s+", "", name))
    if len(names) != 2 or any(len(of_side) != 1 for of_side in names.values()):
        return None
    left, right = (name for of_side in names.values() for name in of_side)
    if _kind(left) != _kind(right) or not (left[0].isupper() and right[0].isupper()):
        return None
    if left.casefold() == right.casefold() or any(_knows(c, left, right) for c in table):
        return None
    return Conflict("the document's parties", ((left, right),))


def _kind(name: str) -> str:
    """Return what can stand for a name: a people by its usual endings, one or many, or a thing."""
    match = re.search(r"(?:an|ish|ese|(?<=\w{2})i)(?P<many>s?)$", name)
    return "thing" if match is None else "people" if match["many"] else "of a people"


def _knows(conflict: Conflict, left: str, right: str) -> bool:
    return all(any(conflict.named(name)) for name in (left, right))


class _Fields(BaseModel):
    """The fields of a conflict as they stand in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    conflict: str
    swaps: list[list[str]]
    aliases: dict[str, str] = {}
    keep: list[str] = []


def load_conflicts(path: Path | None = None) -> list[Conflict]:
    """Read the table of opponents.

    Args:
        path: a YAML list; None: the ``parties.yaml`` that ships with claimwire.

    Raises:
        InputError: there is no such file.
        CorpusError: an entry is wrong; every fault is named.
        MissingExtraError: PyYAML is not installed.
    """
    source = default_behaviour() / PARTIES_FILE if path is None else path
    entries, faults = read_entries(source, "conflict")
    conflicts: list[Conflict] = []
    for entry in entries:
        found = list(_faults_of(entry))
        for name, message in found:
            place = f"conflict {entry.number}: {name}"
            faults.append(Fault(str(source), entry.line, place, message))
        if not found:
            conflicts.append(_conflict(entry))
    raise_for_faults(faults)
    return conflicts


def _faults_of(entry: Entry) -> Iterator[tuple[str, str]]:
    try:
        fields = _Fields.model_validate(entry.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = ".".join(str(part) for part in detail["loc"])
            found = describe_value(detail["input"])
            yield place, f"{detail['msg']}, found {found}: see the file's other entries"
        return
    names = [name for pair in fields.swaps for name in pair]
    if not fields.swaps or any(len(pair) != 2 for pair in fields.swaps):
        yield "swaps", "expected pairs of names, found an entry that is none: give both sides"
    upper = [name.upper() for name in names]
    twice = sorted({name for name in names if upper.count(name.upper()) > 1})
    if twice:
        yield "swaps", f"the name {twice[0]!r} stands twice: give each one counterpart"
    if not all(name.strip() == name and name for name in names):
        yield "swaps", "expected names without spaces around them: mend them"
    for alias, name in fields.aliases.items():
        if name not in names or alias in names:
            yield f"aliases.{alias}", f"expected a name of this conflict, found {name!r}: mend it"


def _conflict(entry: Entry) -> Conflict:
    fields = _Fields.model_validate(entry.value)
    swaps = tuple((left, right) for left, right in fields.swaps)
    return Conflict(fields.conflict, swaps, fields.aliases, tuple(fields.keep))
