"""The behavioural suite: sentences of our own that a model must judge rightly, by capability.

``data/behaviour/CAPABILITY.yaml`` is a list of cases. A case has ``text`` and must get the primary
label that ``expect`` names, or the first of ``labels``; or it has ``pair``, two or more variants
of a sentence, which must all get the same primary label, and that of ``expect`` where it is given.
``parties.yaml`` in the same folder is no capability (see :mod:`claimwire.data.opponents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from claimwire.data.errors import InputError
from claimwire.data.jsonlines import Fault, describe_value, did_you_mean, raise_for_faults
from claimwire.data.labels import LABELS, Label, problem_with_labels
from claimwire.data.yaml_entries import Entry, read_entries

PARTIES_FILE: Final = "parties.yaml"


@dataclass(frozen=True, slots=True)
class Case:
    """One behavioural test.

    Attributes:
        capability: what it tests: the name of its file without the suffix.
        number: its place in the file, from 1.
        variants: the sentence; or two or more, which must be judged alike.
        expect: the primary label of every variant; None where they only have to agree.
        labels: all labels, primary first, where the case tells them; then ``expect`` is the first.
        why: why the label is the one expected, where that needs saying.
    """

    capability: str
    number: int
    variants: tuple[str, ...]
    expect: Label | None
    labels: tuple[Label, ...] | None = None
    why: str | None = None

    @property
    def kind(self) -> Literal["expected", "invariant"]:
        """Return ``"expected"`` for one sentence, ``"invariant"`` for variants of one."""
        return "expected" if len(self.variants) == 1 else "invariant"


class _Fields(BaseModel):
    """The fields of a case as they stand in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = None
    pair: list[str] | None = None
    expect: Annotated[Label, Field(strict=False)] | None = None
    labels: list[str] | None = None
    why: str | None = None


_EXPECTED: Final = {
    "text": "a sentence",
    "pair": "a list of two or more sentences",
    "expect": f"one of {', '.join(LABELS)}",
    "labels": "a list of labels, primary first",
    "why": "a few words",
}


def default_behaviour() -> Path:
    """Return the folder of the behavioural suite that ships with claimwire."""
    return Path(__file__).resolve().parent / "behaviour"


def load_behaviour(folder: Path | None = None) -> list[Case]:
    """Read a behavioural suite.

    Args:
        folder: the folder of YAML files; None: the suite that ships with claimwire.

    Returns:
        The cases by file name and place in the file, at least one.

    Raises:
        InputError: there is no such folder, or it holds no case file.
        CorpusError: a file, case or field is wrong; every fault is named.
        MissingExtraError: PyYAML is not installed.
    """
    root = default_behaviour() if folder is None else folder
    cases: list[Case] = []
    faults: list[Fault] = []
    first_place: dict[str, str] = {}
    for path in _case_files(root, faults):
        entries, file_faults = read_entries(path, "case")
        faults += file_faults
        for entry in entries:
            found = list(_faults_of(entry))
            case = None if found else _case(path.stem, entry)
            found += _repeated(case, f"{path.name} case {entry.number}", first_place)
            faults += [_located(path, entry, field, message) for field, message in found]
            if case is not None and not found:
                cases.append(case)
    raise_for_faults(faults)
    return cases


def _case_files(root: Path, faults: list[Fault]) -> list[Path]:
    """Return the files of cases, and note what would be overlooked."""
    if not root.is_dir():
        raise InputError(
            f"{root}: expected a folder of behavioural cases, one YAML file a capability, found "
            f"{'a file' if root.exists() else 'nothing'}: check the path"
        )
    files = []
    for path in sorted(root.iterdir()):
        if path.suffix == ".yaml" and path.is_file():
            if path.name != PARTIES_FILE:
                files.append(path)
        elif not path.name.startswith((".", "_")) and path.suffix != ".md":
            message = "expected only .yaml files of cases, found this: move or rename it"
            faults.append(Fault(str(path), None, "", message))
    if not files and not faults:
        raise InputError(
            f"{root}: expected .yaml files of behavioural cases, found none: add one, or check "
            "the path"
        )
    return files


def _located(path: Path, entry: Entry, field: str, message: str) -> Fault:
    place = f"case {entry.number}" + (f": {field}" if field else "")
    return Fault(str(path), entry.line, place, message)


def _faults_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield field and message of everything that is wrong with a case."""
    try:
        fields = _Fields.model_validate(entry.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield _explain(detail["type"], detail["loc"], detail["input"])
        return
    if (fields.text is None) == (fields.pair is None):
        both = "both" if fields.text is not None else "neither"
        yield "", f"expected either text or pair, found {both}: give one of them"
    if fields.pair is not None and len(set(fields.pair)) != len(fields.pair):
        yield "pair", "expected variants that differ, found one twice: change or remove it"
    if fields.pair is not None and len(fields.pair) < 2:
        yield "pair", "expected two or more variants, found fewer: add one, or use text"
    for field, text in _texts(fields):
        if not text.strip() or text != " ".join(text.split()):
            message = "expected one line of text without superfluous spaces"
            yield field, f"{message}, found {describe_value(text)}: mend it"
    yield from _label_faults(fields)


def _label_faults(fields: _Fields) -> Iterator[tuple[str, str]]:
    problem = None if fields.labels is None else problem_with_labels(fields.labels)
    if problem:
        yield "labels", problem
    if fields.expect is not None and fields.labels is not None:
        yield "expect", "expected either expect or labels, found both: give one of them"
    if fields.text is not None and fields.expect is None and fields.labels is None:
        yield "expect", f"missing: expected {_EXPECTED['expect']}; add it"


def _texts(fields: _Fields) -> list[tuple[str, str]]:
    if fields.text is not None:
        return [("text", fields.text)]
    return [(f"pair[{index}]", text) for index, text in enumerate(fields.pair or [])]


def _explain(kind: str, location: tuple[str | int, ...], found: object) -> tuple[str, str]:
    """Return the field that a validation error is about and, in plain words, what is wrong."""
    name = str(location[0])
    field = name + "".join(f"[{part}]" for part in location[1:] if isinstance(part, int))
    if kind == "extra_forbidden":
        hint = did_you_mean(name, _EXPECTED)
        return field, f"unknown field: expected only {', '.join(_EXPECTED)}{hint}"
    hint = did_you_mean(found, LABELS) if name == "expect" else ""
    return field, f"expected {_EXPECTED[name]}, found {describe_value(found)}{hint}"


def _case(capability: str, entry: Entry) -> Case:
    """Return the case of an entry without faults."""
    fields = _Fields.model_validate(entry.value)
    labels = None if fields.labels is None else tuple(Label(label) for label in fields.labels)
    return Case(
        capability=capability,
        number=entry.number,
        variants=tuple(text for _, text in _texts(fields)),
        expect=labels[0] if labels else fields.expect,
        labels=labels,
        why=fields.why,
    )


def _repeated(case: Case | None, place: str, first: dict[str, str]) -> list[tuple[str, str]]:
    """Return a fault for each sentence that an earlier case has already; remember the others."""
    faults = []
    for text in case.variants if case else ():
        earlier = first.setdefault(text.casefold(), place)
        if earlier != place:
            faults.append(("text", f"this sentence already stands in {earlier}: write another"))
    return faults
