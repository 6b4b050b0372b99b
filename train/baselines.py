"""What simpler methods reach on the same splits, so that a report can say what fine-tuning buys.

Every baseline learns from the training split, takes its probabilities from validation, as a
release's calibration does, and is scored by the same function. A teacher's soft labels are not
used: these are the labels alone.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table

from claimwire.data.corpus import Example
from claimwire.data.errors import ConfigError, MissingExtraError, TrackingError
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Decision, calibrate, decide
from claimwire.train.calibration import fit_calibration
from claimwire.train.config import Config
from claimwire.train.cue_rules import cue_labels
from claimwire.train.evaluate import evaluate_decisions
from claimwire.train.labelled_data import LabelledData
from claimwire.train.make_release import evaluation_sets, targets_of
from claimwire.train.metrics import Evaluation
from claimwire.train.sentence_vectors import sentence_vectors as sentence_vectors

FloatArray = npt.NDArray[np.float64]
Decide = Callable[[Sequence[Example]], list[Decision]]
"""A fitted baseline: examples to decisions."""

THRESHOLD: Final = 0.5
TFIDF_C: Final = 10.0
"""Inverse L2 strength. Validation macro-F1 of the starter corpus at 1, 3, 10, 30, 100: 0.432,
0.529, 0.567, 0.563, 0.562."""
ENCODER_C: Final = 0.01
"""The same on standardised vectors, at 0.001, 0.003, 0.01, 0.03, 0.1: 0.510, 0.615, 0.623, 0.578,
0.574."""
MAX_ITERATIONS: Final = 1000
"""Far above the ten or so that newton-cg needs, so that it ends by converging."""
KIND_TAG: Final = "claimwire.kind"


def run_baselines(
    config: Config, data: LabelledData, console: Console, names: Sequence[str] | None = None
) -> dict[str, dict[str, Evaluation]]:
    """Fit baselines on the training split and score them on every held-out set.

    Args:
        config: the experiment; seed, base encoder, maximum length and threads are used.
        data: the sentences of all splits.
        console: shows the progress of encoding.
        names: which of :data:`BASELINES`, in this order; all by default.

    Returns:
        Baseline -> set (``validation``, ``test``, ``test_corpus``, ...) -> evaluation.

    Raises:
        ConfigError: an unknown name, or ``model.max_length`` beyond the encoder's positions.
        EncoderError: the base encoder cannot be had.
        MissingExtraError: the extra [train] is not installed.
    """
    chosen = list(BASELINES if names is None else dict.fromkeys(names))
    _check_names(chosen)
    sets = evaluation_sets(data.examples)
    results = {}
    for name in chosen:
        decisions_of = BASELINES[name](config, data.examples, console)
        results[name] = {
            key: evaluate_decisions(examples, decisions_of(examples))
            for key, examples in sets.items()
        }
    return results


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in BASELINES:
            near = difflib.get_close_matches(name, BASELINES, n=1)
            hint = f": did you mean {near[0]}?" if near else ": choose among these"
            raise ConfigError(f"baselines: expected {', '.join(BASELINES)}, found {name!r}{hint}")


def log_baselines(results: Mapping[str, Mapping[str, Evaluation]]) -> None:
    """Record each baseline as a run ``baseline-NAME`` under the active one, with its figures.

    The metrics bear the same names as a model's, so that all stand in one table.

    Raises:
        TrackingError: no run is active.
    """
    import mlflow

    parent = mlflow.active_run()
    if parent is None:
        raise TrackingError(
            "baselines: expected an active MLflow run to record them under, found none: log them "
            "inside tracked_run"
        )
    for name, evaluations in results.items():
        with mlflow.start_run(
            run_name=f"baseline-{name}",
            experiment_id=parent.info.experiment_id,
            nested=True,
            tags={KIND_TAG: "baseline", "claimwire.baseline": name},
        ):
            for prefix, evaluation in evaluations.items():
                mlflow.log_metrics(evaluation.flat(prefix))


def baseline_table(
    results: Mapping[str, Mapping[str, Evaluation]], set_name: str = "test"
) -> Table:
    """Return one row a baseline: macro-F1 with its interval, F1 of each label, ECE.

    A model's evaluations fit in as well: ``baseline_table({**results, "model": evaluations})``.
    The table is at most 80 columns wide.
    """
    sizes = {evaluations[set_name].n for evaluations in results.values()}
    counted = " and ".join(f"{size:,}" for size in sorted(sizes))
    table = Table(
        title=f"{set_name} set, {counted} sentences: macro-F1, its 95% interval, F1 by label, ECE",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
    )
    table.add_column("baseline", overflow="fold")
    headings = ("macro-F1", "interval", "attack", "inter-\nception", "attri-\nbution")
    for heading in (*headings, "back-\nground", "ECE"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, evaluations in results.items():
        evaluation = evaluations[set_name]
        low, high = evaluation.ci95
        table.add_row(
            name,
            f"{evaluation.primary_macro_f1:.3f}",
            f"{low:.3f}-{high:.3f}",
            *(f"{evaluation.per_label[label].f1:.3f}" for label in LABELS),
            f"{evaluation.ece:.3f}",
        )
    return table


def _majority(config: Config, examples: Sequence[Example], console: Console) -> Decide:
    counts = Counter(example.labels[0] for example in _split(examples, "train"))
    commonest = max(LABELS, key=lambda label: counts[label])  # of equals the first of LABELS
    return _from_rules(lambda _: (commonest,), examples)


def _cue_rules(config: Config, examples: Sequence[Example], console: Console) -> Decide:
    return _from_rules(cue_labels, examples)


def _from_rules(
    labels_of: Callable[[str], tuple[Label, ...]], examples: Sequence[Example]
) -> Decide:
    """Give rules probabilities: how often each label holds in validation where they say the same.

    One sentence with each label and one without is added to the counts (Laplace), so that no
    share is 0 or 1.
    """
    validation = _split(examples, "validation")
    said = [labels_of(example.text)[0] for example in validation]
    targets = targets_of(validation)
    scores = {}
    for label in LABELS:
        rows = targets[[primary == label for primary in said]]
        shares = (rows.sum(axis=0) + 1) / (len(rows) + 2)
        scores[label] = dict(zip(LABELS, shares.tolist(), strict=True))

    def decisions_of(chosen: Sequence[Example]) -> list[Decision]:
        decisions = []
        for example in chosen:
            labels = labels_of(example.text)
            primary = labels[0]
            confidence = scores[primary][primary]
            decisions.append(
                Decision(primary, labels, scores[primary], confidence, False, truncated=False)
            )
        return decisions

    return decisions_of


def _tfidf_logreg(config: Config, examples: Sequence[Example], console: Console) -> Decide:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise MissingExtraError("train", "the baseline tfidf_logreg") from error

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode")
    vectorizer.fit([example.text for example in _split(examples, "train")])

    def features_of(chosen: Sequence[Example]) -> Any:
        return vectorizer.transform([example.text for example in chosen])

    return _from_features(features_of, examples, TFIDF_C, config.train.seed)


def _frozen_encoder_logreg(config: Config, examples: Sequence[Example], console: Console) -> Decide:
    try:
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise MissingExtraError("train", "the baseline frozen_encoder_logreg") from error

    texts = list(dict.fromkeys(example.text for example in examples))
    row_of = {text: row for row, text in enumerate(texts)}
    vectors = sentence_vectors(config, texts, console)

    def raw(chosen: Sequence[Example]) -> FloatArray:
        return vectors[[row_of[example.text] for example in chosen]]

    scaler = StandardScaler().fit(raw(_split(examples, "train")))
    return _from_features(
        lambda chosen: scaler.transform(raw(chosen)), examples, ENCODER_C, config.train.seed
    )


BASELINES: Final[dict[str, Callable[[Config, Sequence[Example], Console], Decide]]] = {
    "majority": _majority,
    "cue_rules": _cue_rules,
    "tfidf_logreg": _tfidf_logreg,
    "frozen_encoder_logreg": _frozen_encoder_logreg,
}
"""Name -> what fits it, from the weakest to the strongest expected."""


def _from_features(
    features_of: Callable[[Sequence[Example]], Any],
    examples: Sequence[Example],
    c: float,
    seed: int,
) -> Decide:
    """Fit one logistic regression a label, calibrate on validation, decide as a release does."""
    train, validation = (_split(examples, split) for split in ("train", "validation"))
    logits_of = _fit_one_vs_rest(features_of(train), targets_of(train), c, seed)
    logits = logits_of(features_of(validation)).astype(np.float32)
    calibration = fit_calibration(logits, targets_of(validation), "platt")
    thresholds = dict.fromkeys(CLAIM_LABELS, THRESHOLD)

    def decisions_of(chosen: Sequence[Example]) -> list[Decision]:
        probabilities = calibrate(logits_of(features_of(chosen)), calibration)
        return decide(probabilities, thresholds, 0.0, [False] * len(chosen))

    return decisions_of


def _fit_one_vs_rest(
    features: Any, targets: FloatArray, c: float, seed: int
) -> Callable[[Any], FloatArray]:
    """Return a function from features ``[n, width]`` to logits ``[n, 4]``.

    A label that all or none of the training sentences bear gets its constant smoothed log odds.
    """
    from sklearn.linear_model import LogisticRegression

    columns: list[Callable[[Any], FloatArray]] = []
    for column in targets.T:
        positives, n = column.sum(), len(column)
        if 0 < positives < n:
            model = LogisticRegression(
                C=c, solver="newton-cg", max_iter=MAX_ITERATIONS, random_state=seed
            )
            columns.append(model.fit(features, column.astype(int)).decision_function)
        else:
            columns.append(_constant(float(np.log((positives + 0.5) / (n - positives + 0.5)))))
    return lambda rows: np.column_stack([column(rows) for column in columns])


def _constant(logit: float) -> Callable[[Any], FloatArray]:
    return lambda rows: np.full(rows.shape[0], logit)


def _split(examples: Sequence[Example], split: str) -> list[Example]:
    return [example for example in examples if example.split == split]
