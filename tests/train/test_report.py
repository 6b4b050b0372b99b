"""The report of a run, made by a real run with hostile text in its test set."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import mlflow  # noqa: TID253
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from claimwire.train.config import Config
from claimwire.train.labelled_data import load_data
from claimwire.train.line_chart import Line, line_chart
from claimwire.train.load_config import load_config
from claimwire.train.pipeline import Outcome, run_training
from claimwire.train.report import precision_recall, report_html
from claimwire.train.trust import examine

HOSTILE = "<script>document.title='owned'</script> {{ 7 * 7 }} & the <b>shell</b> hit."


@pytest.fixture(scope="module")
def config(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("report")
    records = [
        # Whatever the label, some of the four copies are wrong, so one stands among the errors.
        {"text": f"{HOSTILE} {label}", "labels": [label], "split": "test", "doc_id": label}
        for label in ("attack_claim", "interception_claim", "attribution_inference", "background")
    ]
    extra = folder / "hostile.jsonl"
    extra.write_text("".join(json.dumps(record) + "\n" for record in records))
    return load_config(
        Path(__file__).parents[2] / "configs" / "smoke.yaml",
        [
            f"output_dir={folder / 'artifacts'}",
            f"model.base={tiny_base}",
            f"data.extra=[{extra}]",
            "data.max_train_sentences=200",
            "train.epochs=2",
            "report.baselines=true",
            f"tracking.uri=sqlite:///{folder / 'mlflow.db'}",
        ],
    )


@pytest.fixture(scope="module")
def made(config: Config) -> Outcome:
    return run_training(config, Console(quiet=True))


def test_the_report_tells_the_figures_of_the_run(made: Outcome) -> None:
    page = made.report.read_text(encoding="utf-8")
    test = made.measured.evaluations["test"]
    assert f"<b>{test.primary_macro_f1:.3f}</b>" in page
    assert f"{test.ci95[0]:.3f} to {test.ci95[1]:.3f}, n {test.n}" in page
    for name in ("majority", "cue_rules", "tfidf_logreg", "frozen_encoder_logreg"):
        assert f"baseline on test: {name}" in page
    wrong = re.search(r"(\d+) of (\d+) sentences have a wrong first label", page)
    assert wrong is not None
    assert int(wrong[2]) == test.n
    assert int(wrong[1]) == round((1 - test.accuracy) * test.n)


def test_text_in_the_report_can_never_run_and_nothing_is_fetched(
    made: Outcome, config: Config
) -> None:
    facts = examine(config, load_data(config), made.measured, (), {})
    pairs = [
        (example, decision)
        for example, decision in zip(facts.test, facts.decisions, strict=True)
        if HOSTILE in example.text
    ]
    assert len(pairs) == 4
    hostile = replace(facts, test=[e for e, _ in pairs], decisions=[d for _, d in pairs])
    page = report_html(hostile)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert HOSTILE in unescape(page)
    assert "<script" not in made.report.read_text(encoding="utf-8")


def test_report_slices_and_behaviour_are_logged(made: Outcome) -> None:
    client = mlflow.MlflowClient()
    logged = {item.path for item in client.list_artifacts(made.mlflow_run_id)}
    assert {"report.html", "slices.json", "behaviour.json", "calibration.json"} <= logged
    metrics = client.get_run(made.mlflow_run_id).data.metrics
    assert 0 <= metrics["behaviour/pass_rate"] <= 1
    assert metrics["test/actor_swap_sentences"] > 0


def test_without_baselines_the_report_says_how_to_get_them(
    quick_config: Callable[..., Config],
) -> None:
    outcome = run_training(quick_config("train.epochs=1"), Console(quiet=True))
    assert "claimwire baselines CONFIG" in outcome.report.read_text(encoding="utf-8")


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_precision_and_recall_equal_a_count_at_every_threshold(
    rows: list[tuple[int, bool]],
) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float64)
    positive = np.array([flag for _, flag in rows])
    recall, precision = precision_recall(scores, positive)
    if not positive.any():
        assert len(recall) == 0
        return
    thresholds = sorted(set(scores.tolist()), reverse=True)
    assert len(recall) == len(precision) == len(thresholds)
    for threshold, r, p in zip(thresholds, recall, precision, strict=True):
        found = scores >= threshold
        assert r == pytest.approx(positive[found].sum() / positive.sum())
        assert p == pytest.approx(positive[found].mean())


def test_a_chart_scales_and_escapes() -> None:
    chart = line_chart([Line("a<b", [0, 2], [0, 1], 1, marks=True)], "t<i>", "x&", "y", highest_x=2)
    assert chart.count("<circle") == 2
    assert "a&lt;b" in chart
    assert "t&lt;i&gt;" in chart
    assert "x&amp;" in chart
    points = re.search(r'points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"', chart)
    assert points is not None
    x0, y0, x1, y1 = map(float, points.groups())
    assert x0 < x1
    assert y0 > y1
