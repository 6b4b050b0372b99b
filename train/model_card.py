"""The card that travels with a release: what it is, what it was made from, what it is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from claimwire.data.corpus import Example
from claimwire.data.labels import DEFINITIONS, GUIDELINES_VERSION
from claimwire.model.decision import LabelOrder
from claimwire.model.manifest import ManifestDraft
from claimwire.train.config import Config
from claimwire.train.metrics import Evaluation


def model_card(
    config: Config,
    draft: ManifestDraft,
    examples: Sequence[Example],
    evaluations: Mapping[str, Evaluation],
) -> str:
    """Return the model card in Markdown, every number from this very run."""
    thresholds = ", ".join(f"{value:g} ({label})" for label, value in draft.thresholds.items())
    parts = [
        f"# {draft.name} {draft.version}",
        f"A DistilBERT sentence classifier (base `{draft.base}`, {draft.precision} weights) that "
        "tags the sentences of conflict reporting in English with the claims they make. Labels "
        f"as of the annotation guidelines {GUIDELINES_VERSION}:",
        "\n".join(f"- `{label}`: {text}" for label, text in DEFINITIONS.items()),
        "## Decisions",
        f"Probabilities are calibrated on validation ({config.decision.calibration}). A claim is "
        f"given from a probability of {thresholds}; a sentence without a claim "
        f"is `background`. Of several claims {_ORDER[draft.label_order]} is the primary label. "
        "Sentences whose confidence is below "
        f"{draft.review_threshold:g}, or that are longer than {draft.max_length} tokens (they are "
        "cut), are marked `needs_review`.",
        "## Training data",
        _data_table(examples),
        f"Corpus digest `{draft.corpus_digest}`, configuration digest `{draft.config_digest}`.",
        "## Results",
        _results_table(evaluations),
        "Measured on the served model itself; the interval is a bootstrap over documents. `test` "
        "is all held-out test sentences, `test_corpus` the part composed for this project, "
        "`test_extra` the part from other labelled files.",
        _per_label_table(evaluations),
        "## Limits",
        "- Sentences are read alone: what only the context tells is not seen.\n"
        "- A tag says what a sentence claims, never whether the claim is true.\n"
        "- Labels were made by language-model annotators following the guidelines.\n"
        "- English only. Rare labels have wide intervals: look at their support.\n"
        "- Not for targeting, nor for decisions about people.",
    ]
    return "\n\n".join(parts) + "\n"


_ORDER: Final[dict[LabelOrder, str]] = {
    "probability": "the most probable one",
    "output": "the one with the network's largest output",
}


def _data_table(examples: Sequence[Example]) -> str:
    counts = Counter((example.split, example.origin) for example in examples)
    rows = [
        f"| {split} | {origin} | {count} |"
        for (split, origin), count in sorted(counts.items(), key=lambda item: item[0])
    ]
    return "\n".join(["| split | origin | sentences |", "|---|---|---|", *rows])


def _results_table(evaluations: Mapping[str, Evaluation]) -> str:
    lines = [
        "| set | sentences | primary macro-F1 | 95% interval | label-set macro-F1 | ECE |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in evaluations.items():
        low, high = result.ci95
        lines.append(
            f"| {name} | {result.n} | {result.primary_macro_f1:.3f} | {low:.3f} to {high:.3f} | "
            f"{result.label_set_macro_f1:.3f} | {result.ece:.3f} |"
        )
    return "\n".join(lines)


def _per_label_table(evaluations: Mapping[str, Evaluation]) -> str:
    test = evaluations.get("test")
    if test is None:
        return "There were no test sentences."
    lines = ["| label (test) | precision | recall | F1 | support |", "|---|---|---|---|---|"]
    lines += [
        f"| {label} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} | {s.support} |"
        for label, s in test.per_label.items()
    ]
    return "\n".join(lines)
