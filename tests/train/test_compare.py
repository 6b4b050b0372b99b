from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from claimwire.data.documents import Record
from claimwire.data.errors import InputError, ReleaseError
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Decision
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.compare import (
    FEWEST_DOCUMENTS,
    KINDS,
    Comparison,
    Difference,
    compare_decisions,
    compare_releases,
)
from claimwire.train.compare_commands import compare, print_comparison
from claimwire.train.evaluate import evaluate_records, read_dataset
from claimwire.train.metrics import document_weights, evaluate_predictions

ROOT = Path(__file__).parents[2]
TEST_SPLIT = ROOT / "data" / "corpus" / "test"
ATTACK, INTERCEPTION, ATTRIBUTION, BACKGROUND = LABELS
LABEL_LISTS = st.one_of(
    st.just([BACKGROUND]),
    st.lists(st.sampled_from(CLAIM_LABELS), min_size=1, max_size=2, unique=True),
)


def decision(labels: list[Label], confidence: float = 0.9) -> Decision:
    scores = dict.fromkeys(LABELS, 0.0) | {labels[0]: confidence}
    return Decision(labels[0], tuple(labels), scores, confidence, False, False)


def record(labels: list[Label], document: str | None, text: str = "A sentence.") -> Record:
    return Record(text=text, labels=labels, doc_id=document)


def differences(comparison: Comparison) -> list[Difference]:
    return [*comparison.metrics.values(), *comparison.per_label.values()]


@st.composite
def decided(draw: st.DrawFn) -> tuple[list[Record], list[Decision], list[Decision]]:
    """Records of up to nine documents with two releases' decisions."""
    confidences = st.floats(0, 1, allow_nan=False)
    decisions = st.builds(decision, LABEL_LISTS, confidences)
    documents = st.sampled_from([None, *"abcdefgh"])
    rows = draw(
        st.lists(
            st.tuples(st.builds(record, LABEL_LISTS, documents), decisions, decisions),
            min_size=1,
            max_size=40,
        )
    )
    records, a, b = zip(*rows, strict=True)
    return list(records), list(a), list(b)


# --- calculated by hand ---------------------------------------------------------------------


def hand_made(documents: int) -> Comparison:
    """Every document alike: A is right on two labels of four, B on all, each at 0.9."""
    records, a, b = [], [], []
    for document in range(documents):
        for gold in LABELS:
            records.append(record([gold], f"d{document}"))
            a.append(decision([gold if gold is ATTACK else BACKGROUND]))
            b.append(decision([gold]))
    return compare_decisions(records, a, b)


def test_a_case_calculated_by_hand() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS)
    # A: F1 of attack 1, of background 2 * 1 / (1 + 3) = 0.5, else 0: macro 0.375; accuracy 0.5;
    # ECE |0.5 - 0.9| = 0.4. B: all right at 0.9, ECE 0.1. Alike documents leave no spread.
    expected = {
        "primary_macro_f1": (0.375, 1.0, 0.625, "better"),
        "label_set_macro_f1": (0.375, 1.0, 0.625, "better"),
        "accuracy": (0.5, 1.0, 0.5, "better"),
        "ece": (0.4, 0.1, -0.3, "better"),
    }
    assert set(comparison.metrics) == set(expected)
    for name, found in comparison.metrics.items():
        a, b, by, verdict = expected[name]
        assert (found.a, found.b, found.difference) == pytest.approx((a, b, by))
        assert found.interval == pytest.approx((by, by))
        assert found.verdict == verdict
    by_label = {label: found.difference for label, found in comparison.per_label.items()}
    assert by_label == pytest.approx(
        {ATTACK: 0.0, INTERCEPTION: 1.0, ATTRIBUTION: 1.0, BACKGROUND: 0.5}
    )
    assert comparison.per_label[ATTACK].verdict == "undecided"
    assert comparison.verdict == "better"
    assert {each.kind for each in comparison.changed} == {"fixed"}
    assert len(comparison.changed) == 2 * FEWEST_DOCUMENTS


def test_few_documents_decide_nothing_however_alike() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS - 1)
    assert comparison.metrics["accuracy"].interval == (0.5, 0.5)
    assert {each.verdict for each in differences(comparison)} == {"undecided"}


def test_interval_of_two_documents_spans_both() -> None:
    # Of two documents a quarter of the resamples are the first twice and a quarter the second
    # twice: the 2.5% and 97.5% quantiles are the documents' own differences, 0 and 1/2.
    records = [record([ATTACK], document) for document in ("d1", "d1", "d2", "d2")]
    a = [decision([label]) for label in (ATTACK, BACKGROUND, ATTACK, ATTACK)]
    b = [decision([ATTACK])] * 4
    accuracy = compare_decisions(records, a, b).metrics["accuracy"]
    assert accuracy.difference == pytest.approx(0.25)
    assert accuracy.interval == pytest.approx((0.0, 0.5))


def test_kinds_of_change() -> None:
    cases = [
        ([ATTACK], [BACKGROUND], [ATTACK], "fixed"),
        ([ATTACK], [ATTACK], [BACKGROUND], "broken"),
        ([ATTACK], [INTERCEPTION], [BACKGROUND], "both_wrong"),
        ([ATTACK], [ATTACK], [ATTACK, INTERCEPTION], "further_labels"),
        ([ATTACK, INTERCEPTION], [ATTACK, INTERCEPTION], [INTERCEPTION, ATTACK], "broken"),
        ([ATTACK], [BACKGROUND], [BACKGROUND], None),
    ]
    comparison = compare_decisions(
        [record(gold, None, text=f"Sentence {row}.") for row, (gold, *_) in enumerate(cases)],
        [decision(a, 0.7) for _, a, _, _ in cases],
        [decision(b, 0.8) for _, _, b, _ in cases],
    )
    assert [each.kind for each in comparison.changed] == [case[3] for case in cases[:-1]]
    first = comparison.changed[0]
    assert (first.row, first.text, first.document, first.gold) == (
        0,
        "Sentence 0.",
        None,
        (ATTACK,),
    )
    assert (first.labels_a, first.confidence_a) == ((BACKGROUND,), 0.7)
    assert (first.labels_b, first.confidence_b) == ((ATTACK,), 0.8)
    counts = comparison.to_json()["changed_counts"]
    assert counts == {"fixed": 1, "broken": 2, "both_wrong": 1, "further_labels": 1}


# --- properties -----------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(decided())
def test_a_release_against_itself_is_undecided(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, _ = case
    comparison = compare_decisions(records, a, a, resamples=50)
    for each in differences(comparison):
        assert each.difference == 0
        assert each.interval == (0, 0)
        assert each.verdict == "undecided"
    assert comparison.changed == ()


@settings(max_examples=50, deadline=None)
@given(decided())
def test_swapping_the_releases_negates(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, b = case
    forth = compare_decisions(records, a, b, resamples=50)
    back = compare_decisions(records, b, a, resamples=50)
    opposite = {"better": "worse", "worse": "better", "undecided": "undecided"}
    for one, other in zip(differences(forth), differences(back), strict=True):
        assert (one.a, one.b) == (other.b, other.a)
        assert one.difference == -other.difference
        assert one.interval == (-other.interval[1], -other.interval[0])
        assert one.verdict == opposite[other.verdict]
    swapped = {"fixed": "broken", "broken": "fixed"}
    for change, reverse in zip(forth.changed, back.changed, strict=True):
        assert change.row == reverse.row
        assert swapped.get(change.kind, change.kind) == reverse.kind


@settings(max_examples=20, deadline=None)
@given(decided())
def test_the_bootstrap_is_that_of_drawn_documents_scored_one_by_one(
    case: tuple[list[Record], list[Decision], list[Decision]],
) -> None:
    records, a, b = case
    resamples = 15
    fast = compare_decisions(records, a, b, seed=3, resamples=resamples)
    names = [each.doc_id or f"sentence {row}" for row, each in enumerate(records)]
    documents = sorted(set(names))
    drawn = np.concatenate(list(document_weights(len(documents), 3, resamples)))
    differing = []
    for weights in drawn:
        times = dict(zip(documents, weights, strict=True))
        rows = [row for row, name in enumerate(names) for _ in range(times[name])]
        differing.append(naive(records, b, rows) - naive(records, a, rows))
    low, high = np.quantile(differing, (0.025, 0.975), axis=0)
    everything = list(range(len(records)))
    for index, each in enumerate(differences(fast)):
        assert each.a == pytest.approx(naive(records, a, everything)[index])
        assert each.b == pytest.approx(naive(records, b, everything)[index])
        assert each.interval == pytest.approx((low[index], high[index]), abs=1e-9)


def naive(
    records: list[Record], decisions: list[Decision], rows: list[int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Score some sentences, repeated as drawn, with the metrics of an evaluation."""
    result = evaluate_predictions(
        [records[row].labels for row in rows],
        [decisions[row].labels for row in rows],
        [decisions[row].confidence for row in rows],
        ["d"] * len(rows),
    )
    per_label = [result.per_label[label].f1 for label in LABELS]
    metrics = (result.primary_macro_f1, result.label_set_macro_f1, result.accuracy, result.ece)
    return np.array([*metrics, *per_label])


def test_equal_releases_are_seldom_told_apart_and_a_better_one_is() -> None:
    rng = np.random.default_rng(5)
    called, found = 0, 0
    for _ in range(100):
        gold = rng.integers(0, 4, 200)
        records = [record([LABELS[g]], f"d{row // 5}") for row, g in enumerate(gold)]
        a, equal, better = (noisy(gold, share, rng) for share in (0.7, 0.7, 0.85))
        called += compare_decisions(records, a, equal, resamples=300).verdict != "undecided"
        found += compare_decisions(records, a, better, resamples=300).verdict == "better"
    assert called <= 12  # 5 expected; more than 12 of 100 has a probability of 0.2%
    assert found >= 80


def noisy(
    gold: np.ndarray[tuple[int], np.dtype[np.int64]], share: float, rng: np.random.Generator
) -> list[Decision]:
    """Return decisions of which about ``share``, and a quarter of the rest, are right."""
    kept = rng.random(len(gold)) < share
    return [decision([LABELS[i]]) for i in np.where(kept, gold, rng.integers(0, 4, len(gold)))]


def test_uneven_or_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found lengths \(0, 0, 0\)"):
        compare_decisions([], [], [])
    with pytest.raises(ValueError, match=r"found lengths \(1, 1, 0\)"):
        compare_decisions([record([ATTACK], "d")], [decision([ATTACK])], [])


# --- real releases --------------------------------------------------------------------------


def make_release(base: Path, folder: Path, name: str, seed: int) -> Path:
    """Make a release of a random network whose decisions vary from sentence to sentence."""
    import torch

    from claimwire.model.export import export_onnx, write_tokenizer
    from claimwire.model.manifest import ManifestDraft
    from claimwire.model.network import build_classifier
    from claimwire.model.release import write_release

    torch.manual_seed(seed)
    model, tokenizer = build_classifier(str(base))
    with torch.no_grad():  # small random weights would give every sentence the same logits
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.mul_(10)
    export_onnx(model, folder / "model.onnx")
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    draft = ManifestDraft(
        name=name,
        version="0.0.1",
        created="2026-01-01T00:00:00Z",
        base="tiny",
        thresholds=dict.fromkeys(CLAIM_LABELS, 0.5),
        review_threshold=0.6,
        max_length=64,
        precision="fp32",
        corpus_digest="sha256:none",
        config_digest="sha256:none",
    )
    return write_release(
        folder / "release",
        draft,
        model_onnx=folder / "model.onnx",
        tokenizer_json=folder / "tokenizer.json",
        model_card=f"# {name}\n",
    ).directory


@pytest.fixture(scope="module")
def release_a(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tiny_base, tmp_path_factory.mktemp("release-a"), "first", seed=1)


@pytest.fixture(scope="module")
def release_b(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(tiny_base, tmp_path_factory.mktemp("release-b"), "second", seed=2)


@pytest.fixture(scope="module")
def runtimes(release_a: Path, release_b: Path) -> tuple[Runtime, Runtime]:
    return Runtime(load_release(release_a)), Runtime(load_release(release_b))


def test_releases_are_compared_as_they_are_evaluated(runtimes: tuple[Runtime, Runtime]) -> None:
    records = read_dataset(TEST_SPLIT)
    comparison = compare_releases(records, *runtimes)
    evaluations = [evaluate_records(records, runtime) for runtime in runtimes]
    for name, found in comparison.metrics.items():
        assert (found.a, found.b) == pytest.approx([getattr(e, name) for e in evaluations])
        assert found.interval[0] <= found.difference <= found.interval[1]
    for label, found in comparison.per_label.items():
        assert (found.a, found.b) == pytest.approx([e.per_label[label].f1 for e in evaluations])
    assert (comparison.n, comparison.documents) == (evaluations[0].n, evaluations[0].documents)
    accuracy = comparison.metrics["accuracy"].difference * len(records)
    fixed, broken = (len(comparison.of_kind(kind)) for kind in ("fixed", "broken"))
    assert min(fixed, broken) > 0
    assert fixed - broken == pytest.approx(accuracy)


def test_a_real_release_against_itself(runtimes: tuple[Runtime, Runtime]) -> None:
    comparison = compare_releases(read_dataset(TEST_SPLIT), runtimes[0], runtimes[0])
    assert {(each.difference, each.interval) for each in differences(comparison)} == {(0, (0, 0))}
    assert comparison.changed == ()


def test_one_json_object(
    release_a: Path, release_b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(str(release_a), str(release_b), TEST_SPLIT, "json", most_shown=1) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["a"].startswith("first 0.0.1 ")
    assert content["b"].startswith("second 0.0.1 ")
    assert content["verdict"] == content["metrics"]["primary_macro_f1"]["verdict"]
    assert set(content["per_label"]) == {label.value for label in LABELS}
    assert len(content["changed"]) == sum(content["changed_counts"].values()) > 1
    assert {change["kind"] for change in content["changed"]} <= set(KINDS)


def _opened(release: Path) -> Runtime:
    return Runtime(load_release(release))


def test_tables_name_both_releases_and_show_so_many_sentences(
    release_a: Path, release_b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(str(release_a), str(release_b), TEST_SPLIT, "table", most_shown=2) == 0
    output = capsys.readouterr().out
    assert load_release(release_a).id in output
    assert load_release(release_b).id in output
    assert "primary macro-F1" in output
    assert "F1 attribution_inference" in output
    records = read_dataset(TEST_SPLIT)
    fixed = len(compare_releases(records, *map(_opened, (release_a, release_b))).of_kind("fixed"))
    assert f"fixed: only B is right ({min(2, fixed)} of {fixed})" in output
    compare(str(release_a), str(release_b), TEST_SPLIT, "table", most_shown=0)
    assert "only B is right" not in capsys.readouterr().out


def test_what_is_not_there_is_said(release_a: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check the path"):
        compare(str(release_a), str(release_a), tmp_path / "none.jsonl", "table")
    with pytest.raises(ReleaseError, match="expected a release directory"):
        compare(str(release_a), str(tmp_path / "none"), TEST_SPLIT, "table")


def test_real_dev_is_compared(runtimes: tuple[Runtime, Runtime]) -> None:
    shared = os.environ.get("CLAIMWIRE_SHARED")
    if not shared:
        pytest.skip("CLAIMWIRE_SHARED is unset: no real text beside this checkout")
    records = read_dataset(Path(shared) / "real-dev" / "real-dev.jsonl")
    comparison = compare_releases(records, *runtimes)
    assert comparison.n == 434
    assert comparison.documents >= FEWEST_DOCUMENTS


# --- printing -------------------------------------------------------------------------------


def printed(comparison: Comparison, width: int = 80) -> str:
    console = Console(width=width, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        print_comparison(console, comparison)
    return capture.get()


@pytest.mark.parametrize(
    "text",
    [
        "The [bold]second[/bold] drone fell.",
        "A bracket [/] closes nothing, [link=x] neither.",
        "Shells fell :fire: on [red]Qana.",
    ],
)
def test_text_is_never_read_as_markup(text: str) -> None:
    comparison = compare_decisions(
        [record([ATTACK], None, text)], [decision([BACKGROUND])], [decision([ATTACK])]
    )
    assert text in printed(comparison, width=120)


def test_text_cannot_steer_the_terminal() -> None:
    comparison = compare_decisions(
        [record([ATTACK], None, "A\x1b[2Jshell\rfell\x07.")],
        [decision([BACKGROUND])],
        [decision([ATTACK])],
    )
    output = printed(comparison)
    assert "A [2Jshell fell ." in output
    assert not {"\x1b", "\r", "\x07"} & set(output)


def test_the_surest_are_shown_first_and_the_summary_counts() -> None:
    comparison = hand_made(FEWEST_DOCUMENTS)
    first, *rest = comparison.changed
    surest = replace(first, text="The surest.", confidence_b=0.99)
    comparison = replace(comparison, changed=(*rest, surest))
    output = printed(comparison)
    assert output.index("The surest.") < output.index("A sentence.")
    assert "B is better than A" in output
    assert "12 fixed, 0 broken" in output
    assert "12 unchanged" in output
    assert "documents decide nothing" not in output
    assert "documents decide nothing" in printed(hand_made(2))
