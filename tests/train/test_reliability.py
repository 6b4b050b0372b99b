from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss  # noqa: TID253

from claimwire.data.corpus import Example, Position, load_examples
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import decide
from claimwire.model.network import build_classifier
from claimwire.train.config import Config
from claimwire.train.fine_tune import FineTuned
from claimwire.train.make_release import Measured, make_release
from claimwire.train.metrics import expected_calibration_error
from claimwire.train.reliability import (
    brier_score,
    quality_of,
    reliability,
    reliability_svg,
)

SVG = "{http://www.w3.org/2000/svg}"


def example(row: int, labels: tuple[Label, ...]) -> Example:
    position = Position("made.jsonl", row + 1)
    return Example(
        f"s{row}", labels, None, "test", "corpus", None, None, None, False, False, position
    )


def sample(n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1.0, n)
    return confidence, rng.random(n) < confidence**2


def test_bins_hold_every_sentence_where_it_belongs() -> None:
    confidence = np.array([0.0, 0.1, 0.15, 0.99, 1.0])
    correct = np.array([False, True, False, True, True])
    table = reliability(confidence, correct)
    assert len(table) == 10
    assert [(b.low, b.high) for b in table] == [(k / 10, (k + 1) / 10) for k in range(10)]
    assert [b.n for b in table] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert table[1].confidence == pytest.approx(0.125)
    assert table[1].accuracy == 0.5
    assert (table[2].confidence, table[2].accuracy) == (None, None)
    assert table[9].accuracy == 1.0


def test_the_bins_give_the_expected_calibration_error() -> None:
    confidence, correct = sample()
    gaps = [
        b.n * abs(b.confidence - b.accuracy)
        for b in reliability(confidence, correct)
        if b.confidence is not None and b.accuracy is not None
    ]
    assert sum(gaps) / 500 == pytest.approx(expected_calibration_error(confidence, correct))


def test_brier_score_agrees_with_scikit_learn() -> None:
    confidence, correct = sample()
    assert brier_score(confidence, correct) == pytest.approx(brier_score_loss(correct, confidence))


def test_quality_is_of_the_primary_label_and_of_all_four() -> None:
    probabilities = np.array([[0.9, 0.6, 0.2, 0.1], [0.2, 0.1, 0.1, 0.7]])
    examples = [
        example(0, (Label.INTERCEPTION_CLAIM, Label.ATTACK_CLAIM)),
        example(1, (Label.BACKGROUND,)),
    ]
    decisions = decide(probabilities, dict.fromkeys(CLAIM_LABELS, 0.5), 0.5, [False, False])
    quality = quality_of(examples, decisions)
    # The first primary label is wrong (attack for interception), though the label holds.
    assert quality.brier_primary == pytest.approx((0.9**2 + 0.3**2) / 2)
    errors = [0.1, 0.4, 0.2, 0.1, 0.2, 0.1, 0.1, 0.3]
    assert quality.brier == pytest.approx(np.mean(np.square(errors)))
    assert quality.ece == pytest.approx((0.9 + 0.3) / 2)
    assert sum(b.n for b in quality.bins) == quality.n == 2
    with pytest.raises(ValueError, match="found 1 for 2"):
        quality_of(examples, decisions[:1])


def test_the_diagram_is_valid_self_contained_and_described() -> None:
    confidence, correct = sample()
    before, after = reliability(confidence, correct), reliability(confidence**2, correct)
    text = reliability_svg(before, after, title="Reliability <test> & more")
    root = ElementTree.fromstring(text)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert title is not None
    assert description is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == "Reliability <test> & more"
    assert f"{expected_calibration_error(confidence, correct):.3f}" in str(description.text)
    assert f"{expected_calibration_error(confidence**2, correct):.3f}" in str(description.text)
    colours = {
        value
        for element in root.iter()
        for key in ("fill", "stroke")
        if (value := element.get(key)) is not None
    }
    assert colours == {"none", "currentColor"}
    assert not {"href", "src", "url("} & set(text.replace('"', " ").split())


def test_the_marks_stand_where_the_bins_say() -> None:
    table = reliability(np.array([0.25, 0.85, 0.85]), np.array([False, True, True]))
    root = ElementTree.fromstring(reliability_svg((), table))
    groups = {group.get("class"): group for group in root.iter(f"{SVG}g")}
    assert groups["before"].find(f"{SVG}rect") is None
    marks = groups["after"].findall(f"{SVG}circle")
    places = [(float(m.get("cx", 0)), float(m.get("cy", 0)), float(m.get("r", 0))) for m in marks]
    frame = root.find(f"{SVG}g/{SVG}rect")
    assert frame is not None
    left, top, side = (float(frame.get(key, 0)) for key in ("x", "y", "width"))
    expected = [(left + 0.25 * side, top + side), (left + 0.85 * side, top)]
    np.testing.assert_allclose([place[:2] for place in places], expected)
    assert places[1][2] > places[0][2]
    assert [m.findtext(f"{SVG}title") for m in marks] == [
        "confidence 0.25, accuracy 0.00, 1 sentences",
        "confidence 0.85, accuracy 1.00, 2 sentences",
    ]


def test_two_diagrams_on_a_page_do_not_share_ids() -> None:
    one = ElementTree.fromstring(reliability_svg((), (), title="one"))
    two = ElementTree.fromstring(reliability_svg((), (), title="two"))
    assert one.get("aria-labelledby") != two.get("aria-labelledby")


@pytest.fixture
def release_of(
    quick_config: Callable[..., Config], tiny_base: Path, tmp_path: Path
) -> Callable[..., Measured]:
    """Return a function from examples and overrides to the release of an untrained network."""

    def make(name: str, examples: list[Example], *overrides: str) -> Measured:
        import torch

        torch.manual_seed(0)
        model, tokenizer = build_classifier(str(tiny_base))
        with torch.no_grad():  # spread the random logits, so that every label comes up
            model.classifier.weight.mul_(40)
        tuned = FineTuned(model, tokenizer, 0.0, 1, 1.0)
        config = quick_config("release.precision=fp32", *overrides)
        return make_release(config, tuned, examples, "sha256:none", tmp_path / name)

    return make


def test_a_release_has_what_validation_chose_and_nothing_from_test(
    release_of: Callable[..., Measured],
) -> None:
    examples = load_examples()
    measured = release_of("one", examples)
    manifest, report = measured.release.manifest, measured.calibration_report
    assert manifest.thresholds == report.thresholds.thresholds
    assert report.review is not None
    assert manifest.review_threshold == report.review.threshold
    assert report.method in ("spline", "platt", "temperature")
    assert set(report.cv_log_loss) == {"none", "spline", "platt", "temperature"}
    for name in ("validation", "test"):
        assert report.after[name].ece == pytest.approx(measured.evaluations[name].ece)
        assert manifest.metrics[f"{name}/brier"] == round(report.after[name].brier, 6)
    assert report.after["validation"].brier < report.before["validation"].brier
    assert json.loads(json.dumps(report.to_json()))["method"] == report.method

    rotated = [
        replace(e, labels=(LABELS[(LABELS.index(e.labels[0]) + 1) % 4],))
        if e.split == "test"
        else e
        for e in examples
    ]
    other = release_of("two", rotated)
    for field in ("calibration", "thresholds", "review_threshold"):
        assert getattr(other.release.manifest, field) == getattr(manifest, field)
    assert other.calibration_report.after["test"] != report.after["test"]
    assert other.calibration_report.after["validation"] == report.after["validation"]


def test_stated_decisions_are_taken_as_they_are(release_of: Callable[..., Measured]) -> None:
    measured = release_of(
        "fixed",
        load_examples(),
        "decision.calibration=none",
        "decision.thresholds=fixed",
        "decision.threshold=0.4",
        "decision.review_precision=null",
        "decision.review_threshold=0.7",
    )
    manifest, report = measured.release.manifest, measured.calibration_report
    assert set(manifest.thresholds.values()) == {0.4}
    assert manifest.review_threshold == 0.7
    assert report.review is None
    assert report.method == "none"
    assert report.after == report.before
