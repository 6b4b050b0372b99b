"""The teacher, with the tiny encoder in its place: the loop is the real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch  # noqa: TID253
from rich.console import Console

from claimwire.data.errors import ConfigError, CorpusError, EncoderError
from claimwire.data.labels import LABELS
from claimwire.model.network import build_classifier
from claimwire.model.release import default_release, load_release
from claimwire.model.runtime import Runtime
from claimwire.train.config import Config
from claimwire.train.fine_tune import freeze
from claimwire.train.labelled_data import load_data
from claimwire.train.pipeline import run_training
from claimwire.train.soft_labels import read_soft_labels
from claimwire.train.teacher import read_texts, run_teaching
from claimwire.train.teacher_network import build_teacher, judge


def test_teach_then_train(
    quick_config: Callable[..., Config], tiny_base: Path, tmp_path: Path
) -> None:
    import mlflow

    soft = tmp_path / "deep" / "soft.jsonl"
    held = next(iter(load_data(quick_config()).texts("test")))
    unlabelled = tmp_path / "unlabelled.jsonl"
    lines = ["Gunmen fired on the convoy near the ford.", held, "Parliament meets on Monday."]
    unlabelled.write_text("".join(json.dumps({"text": line}) + "\n" for line in lines))
    overrides = [
        f"distillation.soft_labels={soft}",
        f"teacher.base={tiny_base}",
        "teacher.epochs=1",
        "teacher.frozen_layers=1",
        f"teacher.unlabelled=[{unlabelled}]",
    ]
    taught = run_teaching(quick_config(*overrides), Console(quiet=True))
    judged = read_soft_labels(soft)
    assert taught.held_out == 1
    assert held not in judged
    assert (taught.labelled, taught.unlabelled) == (len(judged) - 2, 2)
    assert taught.scores is not None
    run = mlflow.get_run(taught.scores.mlflow_run_id)
    assert run.info.run_name == "smoke-teacher"
    assert run.data.params["model.base"] == str(tiny_base)
    # The student of the same file learns from what the teacher wrote.
    outcome = run_training(quick_config(*overrides), Console(quiet=True))
    metrics = mlflow.get_run(outcome.mlflow_run_id).data.metrics
    assert metrics["data/train_sentences_transferred"] == 2
    assert metrics["data/train_sentences_blended"] == taught.labelled


def test_a_release_teaches_as_it_is(quick_config: Callable[..., Config], tmp_path: Path) -> None:
    soft = tmp_path / "soft.jsonl"
    config = quick_config(f"distillation.soft_labels={soft}", "teacher.base=released:small")
    taught = run_teaching(config, Console(quiet=True))
    assert taught.scores is None
    assert not list(tmp_path.glob("artifacts/**/*.db"))  # nothing was trained
    judged = read_soft_labels(soft)
    training = load_data(config).texts("train")
    assert set(judged) == training
    assert len(judged) == taught.labelled
    runtime = Runtime(load_release(default_release()))
    logits, _ = runtime.logits(list(judged))
    expected = torch.sigmoid(torch.from_numpy(logits))
    assert torch.allclose(torch.tensor(list(judged.values())), expected, atol=1e-4)


def test_a_file_can_be_left_to_its_labels(
    quick_config: Callable[..., Config], tmp_path: Path
) -> None:
    soft = tmp_path / "soft.jsonl"
    overrides = [f"distillation.soft_labels={soft}", "teacher.base=released:small"]
    data = load_data(quick_config())
    left = {
        example.text
        for example in data.examples
        if example.split == "train" and example.position.file == "train/contrasts.jsonl"
    }
    assert left
    unlabelled = tmp_path / "unlabelled.jsonl"  # where such a sentence stands again
    unlabelled.write_text(json.dumps({"text": min(left)}) + "\n", encoding="utf-8")
    overrides.append(f"teacher.unlabelled=[{unlabelled}]")
    taught = run_teaching(
        quick_config(*overrides, "teacher.skip=[train/contrasts.jsonl]"), Console(quiet=True)
    )
    asked = set(read_soft_labels(soft))
    assert asked == data.texts("train") - left
    assert (taught.labelled, taught.unlabelled) == (len(asked), 0)
    config = quick_config(*overrides, "teacher.skip=[train/contrast.jsonl]")
    with pytest.raises(ConfigError, match=r"teacher\.skip: .*contrasts\.jsonl.*contrast\.jsonl"):
        run_teaching(config, Console(quiet=True))


def test_no_other_file_is_taken_for_the_soft_labels(
    quick_config: Callable[..., Config], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"text": "A shell fell.", "labels": ["attack_claim"]}\n')
    before = mine.read_bytes()
    target = f"distillation.soft_labels={mine}"
    for overrides in ([f"data.extra=[{mine}]"], []):
        with pytest.raises(ConfigError, match="name another"):
            run_teaching(quick_config(target, *overrides), Console(quiet=True))
    assert mine.read_bytes() == before


def test_teaching_needs_a_place_for_the_soft_labels(quick_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match=r"distillation\.soft_labels"):
        run_teaching(quick_config(), Console(quiet=True))


def test_unlabelled_texts_are_read_once_each_and_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "One."}\n{"text": "Two.", "doc_id": "x"}\n{"text": "One."}\n')
    assert read_texts([path]) == ["One.", "Two."]
    path.write_text('{"text": "One."}\n{"sentence": "Two."}\n')
    with pytest.raises(CorpusError, match=r"texts\.jsonl:2"):
        read_texts([path])
    path.write_text("")
    with pytest.raises(CorpusError, match="empty"):
        read_texts([path])


def test_judging_does_not_depend_on_order_or_batch(tiny_base: Path) -> None:
    torch.manual_seed(0)
    model, tokenizer = build_teacher(str(tiny_base), 0.1)
    texts = ["A drone hit.", "Police found nothing after the second blast in the market.", "Calm."]
    alone = [judge(model, tokenizer, [text], 64)[0] for text in texts]
    together = judge(model, tokenizer, texts[::-1], 64, batch_size=2)[::-1]
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(LABELS)
        assert one == pytest.approx(other, abs=1e-6)


def test_a_base_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"teacher\.base"):
        build_teacher(str(tmp_path), 0.1)
    with pytest.raises(EncoderError, match="packaged:mpnet"):
        build_teacher("packaged:minilm", 0.1)


def test_freezing_keeps_embeddings_and_lowest_layers(tiny_base: Path) -> None:
    model, _ = build_classifier(str(tiny_base))
    freeze(model, None)
    assert all(p.requires_grad for p in model.parameters())
    freeze(model, 1)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen
    assert all("embeddings" in name or "layer.0." in name for name in frozen)
    assert not any("layer.1." in name for name in frozen)
    with pytest.raises(ConfigError, match="at most 2"):
        freeze(model, 3)
