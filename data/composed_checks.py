"""The checks of whole documents: annotations, copied runs, templates, and balance of the sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from claimwire.data.annotation_checks import annotated_twice, check_annotations
from claimwire.data.annotations import annotations_folder, read_all_annotations
from claimwire.data.balance import check_balance, pooled_balance
from claimwire.data.checks import Problem, Rule
from claimwire.data.composed import Placed, Sentence, load_documents, sentences
from claimwire.data.shared_runs import default_real_text, shared_runs
from claimwire.data.templates import check_templates


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the checks of documents look at.

    Attributes:
        annotations: folder of annotations; None: ``annotations`` beside the corpus.
        against: real text that no eight words may be shared with; None: what there is by default.
    """

    annotations: Path | None = None
    against: Sequence[Path] | None = None


@dataclass(slots=True)
class DocumentFindings:
    """What was found.

    Attributes:
        problems: failures and notes.
        measured: in a few words what was counted, by rule.
        left_out: why a rule was not looked at, by rule.
    """

    problems: list[Problem] = field(default_factory=list)
    measured: dict[Rule, str] = field(default_factory=dict)
    left_out: dict[Rule, str] = field(default_factory=dict)


def check_documents(corpus: Path | None, options: CheckOptions) -> DocumentFindings:
    """Check the documents of a corpus.

    Args:
        corpus: the corpus directory; None: the one that ships with claimwire.
        options: what to look at.

    Raises:
        InputError: a directory or file does not exist or cannot be read.
        CorpusError: the corpus or its annotations break their format.
    """
    documents = load_documents(corpus)
    whole = list(sentences(documents))
    findings = DocumentFindings()
    _annotations(findings, whole, options.annotations or annotations_folder(corpus))
    _shared_runs(findings, whole, options.against)
    _templates(findings, whole)
    _balance(findings, documents)
    return findings


def _annotations(findings: DocumentFindings, whole: Sequence[Sentence], folder: Path) -> None:
    annotations = read_all_annotations(folder)
    if not annotations:
        findings.left_out[Rule.ANNOTATIONS] = f"there are no annotations in {folder}"
        return
    findings.problems += check_annotations(whole, annotations)
    twice, size = annotated_twice(whole, annotations)
    findings.measured[Rule.ANNOTATIONS] = f"{twice:,} of {size:,} twice"


def _shared_runs(
    findings: DocumentFindings, whole: Sequence[Sentence], against: Sequence[Path] | None
) -> None:
    real = default_real_text() if against is None else against
    if not real:
        findings.left_out[Rule.SHARED_RUNS] = (
            "no real text is here: name some with --against, or see docs/real-text.md"
        )
        return
    problems, read = shared_runs(whole, real)
    findings.problems += problems
    findings.measured[Rule.SHARED_RUNS] = f"{len(problems)} in {read.words / 1e6:.1f} M words"


def _templates(findings: DocumentFindings, whole: Sequence[Sentence]) -> None:
    problems = check_templates(whole)
    findings.problems += problems
    smelling = sum(not problem.fails for problem in problems)
    findings.measured[Rule.TEMPLATES] = f"{smelling / max(1, len(whole)):.1%}"


def _balance(findings: DocumentFindings, documents: Sequence[Placed]) -> None:
    pooled = pooled_balance(documents)
    if not pooled:
        findings.left_out[Rule.BALANCE] = "no document tells two parties"
        return
    findings.problems += check_balance(documents)
    worst = max(pooled.values(), key=lambda each: each.excess)
    findings.measured[Rule.BALANCE] = f"{100 * max(0.0, worst.excess):.1f} points"
