from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from claimwire.data.corpus import to_dataset_dict
from claimwire.data.errors import ConfigError, CorpusError, InputError
from claimwire.data.labels import LABELS
from claimwire.train.config import Config
from claimwire.train.labelled_data import load_data
from claimwire.train.pipeline import run_training
from claimwire.train.soft_labels import distil, read_soft_labels, read_teachers


def _write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + os.linesep for record in records))
    return path


def _record(text: str, *probabilities: float) -> dict[str, object]:
    named = zip((label.value for label in LABELS), probabilities, strict=True)
    return {"text": text, "probabilities": dict(named)}


def test_probabilities_come_back_in_the_order_of_the_labels(tmp_path: Path) -> None:
    record = _record("Shells hit the port.", 0.9, 0.2, 0.1, 0.05)
    record["probabilities"] = dict(reversed(list(record["probabilities"].items())))  # type: ignore[attr-defined]
    path = _write(tmp_path / "soft.jsonl", record)
    assert read_soft_labels(path) == {"Shells hit the port.": (0.9, 0.2, 0.1, 0.05)}


@pytest.mark.parametrize(
    ("broken", "field", "expected"),
    [
        ({"text": " ", "probabilities": {}}, "text", "expected the sentence"),
        ({"text": "A", "probabilities": [1, 0, 0, 0]}, "probabilities", "one number for each"),
        ({"text": "A", "probabilities": {"attack_claim": 1}}, "probabilities", "one number"),
        (_record("A", 0.1, 1.2, 0, 0), "probabilities.interception_claim", "from 0 to 1"),
        (_record("A", True, 0, 0, 0), "probabilities.attack_claim", "from 0 to 1"),
        (_record("Same.", 0, 0, 0, 1), "text", "a second time"),
    ],
)
def test_a_broken_record_is_named_by_line_and_field(
    tmp_path: Path, broken: object, field: str, expected: str
) -> None:
    path = _write(tmp_path / "soft.jsonl", _record("Same.", 0, 0, 0, 1), broken)
    with pytest.raises(CorpusError) as caught:
        read_soft_labels(path)
    message = str(caught.value)
    assert "soft.jsonl:2" in message
    assert field in message
    assert expected in message


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl"):
        read_soft_labels(tmp_path / "none.jsonl")


def test_soft_labels_that_nobody_made_yet_say_how(
    quick_config: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"claimwire teach"):
        load_data(quick_config(f"distillation.soft_labels={tmp_path / 'none.jsonl'}"))


def test_targets_blend_and_transfer_sentences_follow(
    quick_config: Callable[..., Config],
) -> None:
    data = load_data(quick_config())
    train = to_dataset_dict(data.examples)["train"]
    known = train[0]
    soft: dict[str, tuple[float, ...]] = {
        known["text"]: (0.4, 0.0, 0.0, 0.6),
        "Nobody has labelled this one.": (0.0, 0.0, 0.7, 0.2),
    }
    result = distil(train, soft, 0.25, data.texts("validation", "test"))
    assert (result.blended, result.transferred) == (1, 1)
    expected = [
        0.75 * hard + 0.25 * p
        for hard, p in zip(known["targets"], soft[known["text"]], strict=True)
    ]
    assert result.train[0]["targets"] == pytest.approx(expected)
    assert result.train[1] == train[1]
    last = result.train[len(train)]
    assert last["text"] == "Nobody has labelled this one."
    assert last["targets"] == pytest.approx([0, 0, 0.7, 0.2])
    assert last["primary"] == 2


def test_a_held_out_sentence_among_the_soft_labels_is_refused(
    quick_config: Callable[..., Config],
) -> None:
    data = load_data(quick_config())
    train = to_dataset_dict(data.examples)["train"]
    held = next(iter(data.texts("test")))
    with pytest.raises(CorpusError, match="held-out documents"):
        distil(train, {held: (0, 0, 0, 1)}, 0.5, data.texts("validation", "test"))


def test_the_run_records_the_teachers_part_and_the_digest_tells_it_apart(
    quick_config: Callable[..., Config], tmp_path: Path
) -> None:
    import mlflow

    plain = load_data(quick_config())
    sentence = next(e.text for e in plain.examples if e.split == "train")
    soft = _write(
        tmp_path / "soft.jsonl",
        _record(sentence, 0.5, 0, 0, 0.5),
        _record("Jets bombed the depot at dawn, two villagers said.", 0.97, 0.01, 0.01, 0.03),
        _record("The budget debate begins in autumn.", 0.01, 0.01, 0.01, 0.98),
    )
    config = quick_config(f"distillation.soft_labels={soft}", "train.epochs=1")
    assert load_data(config).digest != plain.digest
    assert config.digest() != quick_config("train.epochs=1").digest()
    outcome = run_training(config, Console(quiet=True))
    metrics = mlflow.get_run(outcome.mlflow_run_id).data.metrics
    assert metrics["data/train_sentences_blended"] == 1
    assert metrics["data/train_sentences_transferred"] == 2


def test_several_teachers_count_alike(tmp_path: Path, quick_config: Callable[..., Config]) -> None:
    one = _write(tmp_path / "a.jsonl", _record("A.", 1, 0, 0, 0.2), _record("B.", 0, 0, 0, 1))
    two = _write(tmp_path / "b.jsonl", _record("B.", 0, 0.5, 0, 1), _record("A.", 0, 0, 0, 0.8))
    mean = read_teachers([one, two])
    assert list(mean) == ["A.", "B."]
    assert mean["A."] == pytest.approx((0.5, 0, 0, 0.5))
    assert mean["B."] == pytest.approx((0, 0.25, 0, 1))
    assert read_teachers([]) == {}
    config = quick_config(f"distillation.soft_labels=[{one}, {two}]")
    assert load_data(config).soft == mean
    single = quick_config(f"distillation.soft_labels={one}").distillation.soft_labels
    assert single == (one,)


def test_teachers_that_judged_other_sentences_are_refused(tmp_path: Path) -> None:
    one = _write(tmp_path / "a.jsonl", _record("A.", 1, 0, 0, 0))
    two = _write(tmp_path / "b.jsonl", _record("A.", 1, 0, 0, 0), _record("Only here.", 0, 0, 0, 1))
    with pytest.raises(CorpusError, match="Only here"):
        read_teachers([one, two])


def test_of_certain_background_only_a_share_is_kept(quick_config: Callable[..., Config]) -> None:
    train = to_dataset_dict(load_data(quick_config()).examples)["train"]
    certain = {f"Budget line {n} was read out.": (0.0, 0.0, 0.0, 0.99) for n in range(400)}
    doubtful = {f"Smoke rose over block {n}.": (0.4, 0.0, 0.0, 0.6) for n in range(40)}
    soft: dict[str, tuple[float, ...]] = {**certain, **doubtful}
    kept = distil(train, soft, 0.5, (), keep_certain=0.25)
    assert 40 + 60 < kept.transferred < 40 + 140
    again = distil(train, dict(reversed(soft.items())), 0.5, (), keep_certain=0.25)
    assert set(again.train["text"]) == set(kept.train["text"])
    assert distil(train, soft, 0.5, (), keep_certain=0.0).transferred == 40
    assert distil(train, soft, 0.5, ()).transferred == 440
