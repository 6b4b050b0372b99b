"""A smaller encoder made from a teacher's: a small MPNet with random weights, the real loop."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: TID253
from rich.console import Console

from claimwire.data.errors import ConfigError, EncoderError
from claimwire.model.encoders import load_encoder
from claimwire.model.network import build_classifier
from claimwire.train.config import Config
from claimwire.train.encoder import make_encoder
from claimwire.train.pipeline import run_training
from claimwire.train.student_encoder import Imitation, student_of, teacher_ids
from claimwire.train.teacher_network import load_teacher_encoder

LAYERS = 4


@pytest.fixture(scope="module")
def mpnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an MPNet of BERT's vocabulary behind four tokens of its own."""
    from tokenizers import Tokenizer, processors
    from transformers import MPNetConfig, MPNetModel, PreTrainedTokenizerFast

    from claimwire.model.encoders import packaged_directory

    directory = tmp_path_factory.mktemp("mpnet")
    content = json.loads((packaged_directory() / "tokenizer.json").read_text(encoding="utf-8"))
    shifted = {token: index + 4 for token, index in content["model"]["vocab"].items()}
    own = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": len(shifted) + 4}
    content["model"]["vocab"] = {**own, **shifted}
    content |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="[UNK]",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
    ).save_pretrained(directory)
    torch.manual_seed(0)
    shape = MPNetConfig(
        vocab_size=len(shifted) + 5,
        hidden_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=130,
        pad_token_id=1,
        initializer_range=0.3,  # so large that every layer does something
    )
    MPNetModel(shape).save_pretrained(directory)
    return directory


def _config(quick_config: Callable[..., Config], mpnet: Path, *more: str) -> Config:
    return quick_config(
        "model.base=packaged:minilm",
        f"teacher.base={mpnet}",
        "encoder.layers=[0,2]",
        "encoder.epochs=3",
        "encoder.batch_size=16",
        "encoder.learning_rate=0.003",
        *more,
    )


def test_the_student_begins_as_the_teachers_layers(mpnet: Path) -> None:
    teacher, teacher_tokenizer = load_teacher_encoder(str(mpnet))
    _, tokenizer = load_encoder("packaged:minilm")
    ids = teacher_ids(tokenizer, teacher_tokenizer)
    text = "Drones hit the depot."
    assert ids[tokenizer(text)["input_ids"]].tolist() == teacher_tokenizer(text)["input_ids"]
    student = student_of(teacher.eval(), list(range(LAYERS)), ids).eval()
    # Without the relative position bias the two are one network.
    teacher.encoder.relative_attention_bias.weight.data.zero_()  # type: ignore[union-attr, operator]
    batch = tokenizer([text, "Calm."], padding=True, return_tensors="pt")
    mask = batch["attention_mask"]
    with torch.no_grad():
        theirs = teacher(input_ids=ids[batch["input_ids"]], attention_mask=mask)
        ours = student(input_ids=batch["input_ids"], attention_mask=mask)
    a, b = ours.last_hidden_state[mask.bool()], theirs.last_hidden_state[mask.bool()]
    assert float((a - b).abs().max()) < 1e-4  # the layer norms' epsilons differ
    imitation = Imitation(student, teacher, list(range(LAYERS)), ids)
    assert imitation(batch["input_ids"], mask)["loss"].item() < 1e-6


def test_an_encoder_is_made_written_and_trained_from(
    quick_config: Callable[..., Config], mpnet: Path, tmp_path: Path
) -> None:
    import mlflow

    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "The river rose again."}\n{"text": "Nobody was hurt."}\n')
    target = tmp_path / "encoder"
    config = _config(quick_config, mpnet, f"encoder.directory={target}", f"encoder.texts=[{texts}]")
    made = make_encoder(config, Console(quiet=True))
    assert made.loss_after < made.loss_before
    assert made.directory == target
    metrics = mlflow.get_run(made.mlflow_run_id).data.metrics
    assert metrics["encoder/loss_after"] == pytest.approx(made.loss_after)
    student, _ = load_encoder(str(target))
    assert student.config.n_layers == 2
    assert student.config.dropout == 0.1  # switched off for the making only
    with pytest.raises(ConfigError, match="not there yet"):
        make_encoder(config, Console(quiet=True))
    trained = run_training(
        quick_config(f"model.base={target}", "train.epochs=1"), Console(quiet=True)
    )
    assert trained.measured.evaluations["test"].n > 0


def test_an_interrupted_run_goes_on_only_as_what_it_was(
    quick_config: Callable[..., Config], mpnet: Path, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "The river rose again."}\n')
    target = tmp_path / "encoder"
    settings = (f"encoder.directory={target}", f"encoder.texts=[{texts}]")
    begun = make_encoder(_config(quick_config, mpnet, *settings), Console(quiet=True))
    (note,) = (tmp_path / "artifacts" / "runs").glob("*-encoder-1/run.json")
    note.write_text(note.read_text().replace('"finished": true', '"finished": false'))
    shutil.rmtree(target)
    resumed = (*settings, "train.resume=true")
    for other in ("encoder.learning_rate=0.1", "encoder.layers=[1,3]"):
        with pytest.raises(ConfigError, match="found none"):
            make_encoder(_config(quick_config, mpnet, *resumed, other), Console(quiet=True))
    texts.write_text('{"text": "The river fell."}\n')
    with pytest.raises(ConfigError, match="other data"):
        make_encoder(_config(quick_config, mpnet, *resumed), Console(quiet=True))
    texts.write_text('{"text": "The river rose again."}\n')
    made = make_encoder(_config(quick_config, mpnet, *resumed), Console(quiet=True))
    assert made.mlflow_run_id == begun.mlflow_run_id
    assert made.loss_after == pytest.approx(begun.loss_after, rel=1e-5)


def test_a_narrower_encoder_is_taught_through_a_map(
    quick_config: Callable[..., Config], mpnet: Path, tiny_base: Path, tmp_path: Path
) -> None:
    target = tmp_path / "encoder"
    wanted = _config(
        quick_config, mpnet, f"encoder.directory={target}", "encoder.start=packaged:minilm",
        "data.max_train_sentences=60", "encoder.epochs=1", "encoder.batch_size=32",
    )  # fmt: skip
    made = make_encoder(wanted, Console(quiet=True))
    assert made.loss_after < made.loss_before
    assert load_encoder(str(target))[0].config.dim == 384


@pytest.mark.parametrize(
    ("overrides", "error", "said"),
    [
        ((), ConfigError, r"encoder\.directory"),
        (("encoder.directory=made", "encoder.layers=[0,9]"), ConfigError, "below 4"),
        (("encoder.directory=made", "teacher.base=released:base"), ConfigError, "hidden states"),
    ],
)
def test_what_cannot_work_is_said(
    quick_config: Callable[..., Config],
    mpnet: Path,
    overrides: tuple[str, ...],
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        make_encoder(_config(quick_config, mpnet, *overrides), Console(quiet=True))


def test_layers_are_rising_numbers(quick_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match="rising"):
        quick_config("encoder.layers=[2,0]")


def test_only_an_mpnet_gives_layers(tiny_base: Path) -> None:
    teacher: Any = load_encoder(str(tiny_base))[0]
    with pytest.raises(EncoderError, match="MPNet"):
        student_of(teacher, [0], torch.zeros(1, dtype=torch.long))


def test_a_classifier_of_the_four_labels_is_trained_on_with_its_head(
    tiny_base: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    model, tokenizer = build_classifier(str(tiny_base))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = build_classifier(str(tmp_path))
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    content = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    content["label2id"] = {"spam": 0, "ham": 1, "eggs": 2, "other": 3}
    (tmp_path / "config.json").write_text(json.dumps(content), encoding="utf-8")
    other, _ = build_classifier(str(tmp_path))
    assert not torch.equal(other.classifier.weight, model.classifier.weight)
