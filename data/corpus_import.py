"""Reviewed records into a file for ``data.extra``: what is new, sound and no leak.

A record is refused, with the reason, where it breaks the contract of records; where its sentence
stands already, exactly or nearly (:mod:`claimwire.data.duplicates`), in the corpus, in other
extra files, in the file itself or earlier in the input; and where its sentence or its document
stands in another split, which would make a test score a lie. Where the same sentence stands there
with other labels, the reason says so: then one of the two labellings is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from claimwire.data.corpus import Example, extra_example, load_examples
from claimwire.data.documents import Located, Split, parse_records
from claimwire.data.errors import InputError
from claimwire.data.import_copies import Candidate, Kind, Refusal, without_copies
from claimwire.data.jsonlines import Fault, raise_for_faults, read_json_lines
from claimwire.data.standoff_labels import write_json_lines

DEFAULT_OUTPUT: Final = Path("artifacts/corpus/reviewed.jsonl")
PROVENANCE: Final = "provenance"
REFUSED: Final = "refused"

_FIELDS: Final = ("id", "text", "labels", "doc_id", "theatre", "source", "split", "hard")
"""Fields of a written record that come first, in this order."""
_SAME_WHEN_JUDGED_ANEW: Final = ("text", "doc_id", "split")

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How records are taken in.

    Attributes:
        output: the file that they are added to.
        corpus: directory of the corpus; None: the one that ships with claimwire.
        extra: other files that training will read; the output itself may be among them.
        split: the split of all records; None: each record's own, else train.
        replace: a record whose id and sentence stand in the output takes the place of that one.
    """

    output: Path = DEFAULT_OUTPUT
    corpus: Path | None = None
    extra: tuple[Path, ...] = ()
    split: Split | None = None
    replace: bool = False


@dataclass(slots=True)
class ImportReport:
    """What became of the records.

    Attributes:
        added: records that are new in the output.
        replaced: records that took the place of an older labelling of the same sentence.
        already_there: records that stood in the output as they are.
        refused: the others, by file and line.
        total: records in the output now.
        empty: inputs without a record.
    """

    added: int = 0
    replaced: int = 0
    already_there: int = 0
    refused: list[Refusal] = field(default_factory=list)
    total: int = 0
    empty: list[Path] = field(default_factory=list)


def side_file(path: Path, what: str) -> Path:
    """Return what stands beside a file: ``OUT.provenance.jsonl`` for ``OUT.jsonl`` or ``OUT``."""
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.{what}.jsonl")


def import_records(paths: Sequence[Path], options: ImportOptions) -> ImportReport:
    """Add the records of files to ``options.output``; what is refused stands in a file beside it.

    Each file is written whole or not at all, and the output is not touched where nothing changes.
    Lines of ``NAME.provenance.jsonl`` beside an input go, for the records taken, to the output's.

    Raises:
        InputError: a file does not exist, cannot be read or written, or is input and output.
        CorpusError: the corpus, an extra file or the output breaks the contract.
        MissingExtraError: datasketch, of the extra [train], is not installed.
    """
    if options.output.resolve() in {path.resolve() for path in paths}:
        raise InputError(
            f"{options.output}: expected another file as --output than the records come from, "
            "found the same: choose another name"
        )
    report = ImportReport()
    lines = _lines_of(options.output)
    references = _references(options, lines)
    candidates = [each for path in paths for each in _read(path, options.split, report)]
    new, replaced = _settle_known(candidates, lines, options, report)
    taken, refused = without_copies(new, references)
    lines += [_line(each) for each in taken]
    report.refused = sorted(
        [*report.refused, *refused], key=lambda each: (paths.index(Path(each.file)), each.line or 0)
    )
    report.added, report.replaced, report.total = len(taken), len(replaced), len(lines)
    if taken or replaced:
        ids = {each.record.id for each in (*taken, *replaced)} - {None}
        _carry_provenance(paths, options.output, ids)  # first: no record is ever without it
        write_json_lines(options.output, lines)
    _write_refusals(options.output, report.refused)
    return report


def _references(options: ImportOptions, lines: Sequence[Line]) -> list[Example]:
    """Return the sentences that training would read beside the new ones.

    Args:
        options: corpus, extra files and output.
        lines: what stands in the output.
    """
    output = options.output.resolve()
    extra = [path for path in options.extra if path.resolve() != output]
    if lines:
        extra.append(options.output)
    return load_examples(options.corpus, extra)


def _lines_of(path: Path) -> list[Line]:
    """Return the objects of a file, none where there is no such file."""
    if not path.exists():
        return []
    lines, faults = read_json_lines(path)
    raise_for_faults(faults)
    return [line.value for line in lines]


def _read(path: Path, split: Split | None, report: ImportReport) -> Iterator[Candidate]:
    """Yield the sound records of a file; the others are refused line by line."""
    records, faults = parse_records(path)
    by_line: dict[int | None, list[Fault]] = defaultdict(list)
    for fault in faults:
        by_line[fault.line].append(fault)
    if by_line.pop(None, None):  # the fault of a whole file: that there is nothing in it
        report.empty.append(path)
    for line, found in by_line.items():
        said = "; ".join(": ".join(filter(None, (each.field, each.message))) for each in found)
        report.refused.append(Refusal(str(path), line, Kind.INVALID, said))
    for located in records:
        record = located.value
        record = record.model_copy(update={"split": split or record.split or "train"})
        example = extra_example(path, Located(located.line, record, located.sentence))
        yield Candidate(record, example)


def _settle_known(
    candidates: Sequence[Candidate], lines: list[Line], options: ImportOptions, report: ImportReport
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates whose id is new, and those put in the place of a line of ``lines``.

    The others of a known id are counted as there already, or refused.
    """
    places = {line["id"]: index for index, line in enumerate(lines) if line.get("id")}
    met: dict[str, Candidate] = {}
    new: list[Candidate] = []
    replaced: list[Candidate] = []
    for each in candidates:
        name, line = each.record.id, _line(each)
        index = places.get(name or "")
        if name is None or (index is None and name not in met):
            new.append(each)
            if name is not None:
                met[name] = each
            continue
        standing = lines[index] if index is not None else _line(met[name])
        if standing == line:
            report.already_there += 1
        elif index is not None and options.replace and _only_judged_anew(standing, line):
            lines[index] = line
            replaced.append(each)
        else:
            where = options.output if index is not None else met[name].example.position
            report.refused.append(_known_otherwise(each, standing, line, str(where)))
    return new, replaced


def _only_judged_anew(standing: Line, line: Line) -> bool:
    """Whether two records are the same sentence in the same split."""
    return all(standing.get(name) == line.get(name) for name in _SAME_WHEN_JUDGED_ANEW)


def _known_otherwise(each: Candidate, standing: Line, line: Line, where: str) -> Refusal:
    """Return the refusal of a record whose id stands for something else already."""
    name = each.record.id
    if standing.get("text") != line["text"]:
        reason = f"the id {name!r} stands for another sentence in {where}: give each its own"
        return each.refused(Kind.INVALID, reason)
    if standing.get("labels") != line["labels"]:
        reason = (
            f"{name!r} stands in {where}; the labels contradict: "
            f"{', '.join(standing['labels'])} there, {', '.join(line['labels'])} here"
        )
    else:
        keys = [key for key in {**standing, **line} if standing.get(key) != line.get(key)]
        reason = f"{name!r} stands in {where} and differs in {', '.join(keys)}"
    anew = _only_judged_anew(standing, line)
    advice = "--replace takes the newer judgement" if anew else "remove it there first"
    return each.refused(Kind.CONTRADICTION, f"{reason}: {advice}")


def _line(each: Candidate) -> Line:
    """Return the line that is written for a record: what it does not tell is left out."""
    known: Line = each.record.model_dump(mode="json", exclude_none=True)
    if not each.record.is_title:
        known.pop("is_title", None)
    ordered: Line = {name: known.pop(name) for name in _FIELDS if name in known}
    return {**ordered, **known}


def _carry_provenance(paths: Sequence[Path], output: Path, ids: Collection[str | None]) -> None:
    """Add to the output's provenance what the inputs' tell of the records taken."""
    target = side_file(output, PROVENANCE)
    told = [
        line
        for path in paths
        for line in _lines_of(side_file(path, PROVENANCE))
        if isinstance(line.get("id"), str) and line["id"] in ids
    ]
    if told:
        newer = {line["id"] for line in told}
        kept = [line for line in _lines_of(target) if line.get("id") not in newer]
        write_json_lines(target, [*kept, *told])


def _write_refusals(output: Path, refused: Sequence[Refusal]) -> None:
    """Write the file of refusals, or take an old one away where nothing was refused."""
    path = side_file(output, REFUSED)
    if refused:
        write_json_lines(path, (refusal.to_json() for refusal in refused))
    else:
        path.unlink(missing_ok=True)
