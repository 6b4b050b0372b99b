"""How many of the labelled real sentences a run has, and which it has not.

The labels on real sentences stand in the repository without their text (``data/standoff``);
``claimwire corpus rebuild`` makes files of records from them. A run that names such files says how
much of the labels they hold, because a figure on a part is not a figure on the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from claimwire.data.corpus import SPLITS
from claimwire.data.jsonlines import read_json_lines
from claimwire.data.rebuild import MISSING
from claimwire.data.rebuild_commands import OUTPUT
from claimwire.data.standoff_labels import (
    Labelling,
    read_labels,
    sentence_digest,
    standoff_folder,
)

TAG: Final = "real_sentences"
_WITHOUT: Final = {
    "train": "nothing is learnt from real reporting",
    "validation": "epoch, calibration and thresholds are chosen without any",
    "test": "the test figures are of composed sentences alone",
}


@dataclass(frozen=True, slots=True)
class RealSentences:
    """What a run's rebuilt files hold of the stand-off labels.

    Attributes:
        folder: of the rebuilt files.
        there: sentences in the files, by split.
        labelled: sentences that the stand-off labels have, by split; empty where the labels are
            not installed.
        lost: labelled sentences of the splits that are there which ``missing.jsonl`` lists.
        newer: the other labelled sentences of those splits: labelled after the rebuild.
        relabelled: sentences whose labels in the files are no longer those of the stand-off labels.
        not_there: splits whose file is named and does not exist.
    """

    folder: Path
    there: Mapping[str, int]
    labelled: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    newer: int = 0
    relabelled: int = 0
    not_there: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return what to tell the person who trains, the most important first."""
        command = f"`{rebuild_command(self.folder)}`"
        if not any(self.there.values()):
            labelled = f"of {sum(self.labelled.values()):,} labelled " if self.labelled else ""
            return [f"real sentences: none {labelled}are there; make them with {command}"]
        shares = (
            f"{self.there[split]:,}"
            + (f" of {self.labelled[split]:,}" if self.labelled else "")
            + f" {split}"
            for split in SPLITS
        )
        lines = ["real sentences: " + ", ".join(shares)]
        lines += [self._absent(split, command) for split in SPLITS if not self.there[split]]
        if self.lost:
            missing = f"{shown(self.folder / MISSING)}"
            lines.append(f"  {self.lost:,} missing from their sources: see {missing}")
        if self.newer:
            lines.append(f"  {self.newer:,} labelled since they were rebuilt: run {command}")
        if self.relabelled:
            lines.append(f"  {self.relabelled:,} with labels changed since: run {command}")
        return lines

    def _absent(self, split: str, command: str) -> str:
        why = (
            f"{split}.jsonl is not there; {command} makes it"
            if split in self.not_there
            else "data.extra names no file with them"
        )
        return (
            f"  none in {split} ({why}): {_WITHOUT[split]}; do not compare this run with runs that "
            "have them"
        )

    def tag(self) -> str:
        """Return ``train 90/100, validation 9/10, test 0/12``, for the run's record."""
        return ", ".join(
            f"{split} {self.there[split]}/{self.labelled.get(split, '?')}" for split in SPLITS
        )


def is_rebuilt(path: Path) -> bool:
    """Say whether ``claimwire corpus rebuild`` writes, or wrote, a file of this name there."""
    if path.suffix != ".jsonl" or path.stem not in SPLITS:
        return False
    usual = path.parent.parts[-2:] == OUTPUT.parts[-2:]
    return usual or (path.parent / MISSING).is_file()


def rebuild_command(folder: Path) -> str:
    """Return the command that makes the real sentences in ``folder``."""
    usual = folder.absolute() == OUTPUT.absolute()
    return "claimwire corpus rebuild" + ("" if usual else f" --output {shown(folder)}")


def shown(path: Path) -> str:
    """Return a path as a person would type it: from the current directory where it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def take_stock(extra: Sequence[Path], labels: Path | None = None) -> RealSentences | None:
    """Compare the rebuilt files among a run's extra files with the stand-off labels.

    Args:
        extra: ``data.extra``, files that do not exist among them.
        labels: the stand-off labels; None: those of the repository, if this is a clone of it.

    Returns:
        None where no file is a rebuilt one, or those there hold sentences of other labels.

    Raises:
        CorpusError: the stand-off labels break their format.
    """
    rebuilt = [path for path in extra if is_rebuilt(path)]
    if not rebuilt:
        return None
    folder = rebuilt[0].parent
    named = {path.stem for path in rebuilt if not path.is_file()}
    records = _records(path for path in rebuilt if path.is_file())
    counts = Counter(split for split, _ in records.values())
    labels = labels or standoff_folder() / "labels.jsonl"
    not_there = tuple(split for split in SPLITS if split in named)
    if not labels.is_file():  # an installed package leaves them out
        return RealSentences(folder, _by_split(counts), not_there=not_there)
    settled = {each.id: each for each in read_labels(labels).settled()}
    known = records.keys() & settled.keys()
    if records and not known:
        return None
    wanting = {
        digest for digest, each in settled.items() if counts[each.split] and digest not in records
    }
    lost = wanting & _listed(folder / MISSING)
    return RealSentences(
        folder=folder,
        there=_by_split(Counter(records[digest][0] for digest in known)),
        labelled=_by_split(Counter(each.split for each in settled.values())),
        lost=len(lost),
        newer=len(wanting - lost),
        relabelled=sum(records[digest][1] != _names(settled[digest]) for digest in known),
        not_there=not_there,
    )


def _records(paths: Iterable[Path]) -> dict[str, tuple[str, object]]:
    """Return split and labels of each record, by its sentence's digest.

    Lines that are none are left to the reader of the corpus, which names every fault.
    """
    found: dict[str, tuple[str, object]] = {}
    for path in paths:
        for line in read_json_lines(path)[0]:
            text, digest = line.value.get("text"), line.value.get("id")
            if not isinstance(digest, str):
                digest = sentence_digest(str(text))
            found[digest] = (str(line.value.get("split") or "train"), line.value.get("labels"))
    return found


def _listed(missing: Path) -> set[str]:
    if not missing.is_file():
        return set()
    return {str(line.value.get("id")) for line in read_json_lines(missing)[0]}


def _names(labelling: Labelling) -> list[str]:
    return [label.value for label in labelling.labels]


def _by_split(counts: Mapping[str, int]) -> dict[str, int]:
    return {split: counts.get(split, 0) for split in SPLITS}
