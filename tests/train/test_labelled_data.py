"""What a run says of the labelled real sentences that are there and of those that are not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import mlflow  # noqa: TID253
import pytest
from rich.console import Console

from claimwire.data.errors import ConfigError
from claimwire.data.labels import LABELS
from claimwire.data.rebuild import Rebuilt, write_rebuilt
from claimwire.data.standoff_labels import Labelling, sentence_digest, write_labels
from claimwire.train.config import Config
from claimwire.train.labelled_data import load_data, sentence_key
from claimwire.train.pipeline import run_training

MakeConfig = Callable[..., Config]
SPLITS = {"train": 6, "validation": 3, "test": 2}
TEXTS = {
    split: [f"Mortars hit depot {split} {n} before dawn." for n in range(count)]
    for split, count in SPLITS.items()
}


def labelling(text: str, split: str, label: str = "attack_claim") -> Labelling:
    return Labelling.model_validate(
        {
            "id": sentence_digest(text),
            "source": "made-up",
            "doc_id": f"d-{split}",
            "path": "a.md",
            "theatre": "fictional",
            "split": split,
            "labels": [label],
            "hard": False,
            "round": 1,
            "labeller": "first",
        }
    )


LABELLINGS = {text: labelling(text, split) for split, texts in TEXTS.items() for text in texts}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "corpus" / "real"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    write_labels(path, LABELLINGS.values())
    return path


def rebuild(folder: Path, *lost: str, known: Iterable[Labelling] = LABELLINGS.values()) -> None:
    """Write what ``claimwire corpus rebuild`` would, were some texts not to be found."""
    texts = {sentence_digest(text): text for text in LABELLINGS if text not in lost}
    write_rebuilt(Rebuilt(tuple(known), texts, {}), folder)


def named(folder: Path, *splits: str) -> str:
    files = (str(folder / f"{split}.jsonl") for split in splits or SPLITS)
    return f"data.extra=[{', '.join(files)}]"


def test_all_there_is_said_in_one_line(
    quick_config: MakeConfig, folder: Path, labels: Path
) -> None:
    rebuild(folder)
    data = load_data(quick_config(named(folder), "data.max_train_sentences=null"), labels)
    assert data.notes() == ["real sentences: 6 of 6 train, 3 of 3 validation, 2 of 2 test"]
    assert data.tags() == {"real_sentences": "train 6/6, validation 3/3, test 2/2"}
    assert sum(example.origin == "extra" for example in data.examples) == 11


def test_without_rebuilt_files_nothing_is_said(quick_config: MakeConfig, tmp_path: Path) -> None:
    extra = tmp_path / "mine.jsonl"
    extra.write_text('{"text": "Mortars hit a depot.", "labels": ["attack_claim"]}\n')
    for overrides in ([], [f"data.extra=[{extra}]"]):
        data = load_data(quick_config(*overrides))
        assert (data.notes(), data.tags(), data.real) == ([], {}, None)


def test_what_the_sources_did_not_have_and_where_it_is_listed(
    quick_config: MakeConfig, folder: Path, labels: Path
) -> None:
    rebuild(folder, TEXTS["train"][0], TEXTS["test"][1])
    data = load_data(quick_config(named(folder)), labels)
    assert data.notes() == [
        "real sentences: 5 of 6 train, 3 of 3 validation, 1 of 2 test",
        f"  2 missing from their sources: see {folder / 'missing.jsonl'}",
    ]


def test_labels_that_came_or_changed_after_the_rebuild(
    quick_config: MakeConfig, folder: Path, labels: Path
) -> None:
    first, second, *_ = TEXTS["train"]
    before = {t: each for t, each in LABELLINGS.items() if t != first}
    before[second] = labelling(second, "train", "background")
    rebuild(folder, first, known=before.values())
    data = load_data(quick_config(named(folder)), labels)
    command = f"`claimwire corpus rebuild --output {folder}`"
    assert data.notes() == [
        "real sentences: 5 of 6 train, 3 of 3 validation, 2 of 2 test",
        f"  1 labelled since they were rebuilt: run {command}",
        f"  1 with labels changed since: run {command}",
    ]


def test_the_command_names_no_folder_where_it_is_the_usual_one(
    quick_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = quick_config(named(Path("artifacts/corpus/real")))
    with pytest.raises(ConfigError) as caught:
        load_data(config)
    assert str(caught.value) == (
        "data.extra: expected 3 file(s), found 0; not there:"
        "\n  artifacts/corpus/real/train.jsonl"
        "\n  artifacts/corpus/real/validation.jsonl"
        "\n  artifacts/corpus/real/test.jsonl"
        "\nmake them with `claimwire corpus rebuild`, or train on what is there with "
        "data.extra_missing=skip"
    )


def test_a_missing_file_of_ones_own_is_an_error_too(
    quick_config: MakeConfig, tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(ConfigError, match=r"mine\.jsonl\ncorrect the path, or"):
        load_data(quick_config(f"data.extra=[{tmp_path / 'mine.jsonl'}]"))
    both = f"data.extra=[{tmp_path / 'mine.jsonl'}, {folder / 'train.jsonl'}]"
    with pytest.raises(ConfigError, match=r"make them with .* and correct the other paths"):
        load_data(quick_config(both))


def test_skipping_leaves_out_the_files_and_says_so(
    quick_config: MakeConfig, folder: Path, labels: Path
) -> None:
    config = quick_config(named(folder), "data.extra_missing=skip")
    data = load_data(config, labels)
    assert data.notes()[-1] == (
        "real sentences: none of 11 labelled are there; make them with "
        f"`claimwire corpus rebuild --output {folder}`"
    )
    assert data.notes()[:-1] == [
        f"left out, not there: {folder / split}.jsonl (data.extra_missing=skip)" for split in SPLITS
    ]
    assert data.tags() == {
        "real_sentences": "train 0/6, validation 0/3, test 0/2",
        "data_left_out": "train.jsonl, validation.jsonl, test.jsonl",
    }
    plain = load_data(quick_config())
    assert (data.digest, data.examples) == (plain.digest, plain.examples)
    assert config.digest() == quick_config().digest()


def test_a_held_out_split_without_real_sentences_is_never_silent(
    quick_config: MakeConfig, folder: Path, labels: Path
) -> None:
    rebuild(folder)
    (folder / "test.jsonl").unlink()
    skipping = quick_config(named(folder), "data.extra_missing=skip")
    note = load_data(skipping, labels).notes()[-1]
    assert note.startswith("  none in test (test.jsonl is not there; `claimwire corpus rebuild")
    assert note.endswith(
        "the test figures are of composed sentences alone; do not compare this run with runs that "
        "have them"
    )
    data = load_data(quick_config(named(folder, "train")), labels)
    assert [note.split(":")[0] for note in data.notes()[1:]] == [
        "  none in validation (data.extra names no file with them)",
        "  none in test (data.extra names no file with them)",
    ]
    assert data.tags()["real_sentences"] == "train 6/6, validation 0/3, test 0/2"


def test_without_the_standoff_labels_only_what_is_there_is_counted(
    quick_config: MakeConfig, folder: Path, tmp_path: Path
) -> None:
    rebuild(folder)
    data = load_data(quick_config(named(folder)), tmp_path / "not-installed.jsonl")
    assert data.notes() == ["real sentences: 6 train, 3 validation, 2 test"]
    assert data.tags() == {"real_sentences": "train 6/?, validation 3/?, test 2/?"}


def test_files_of_other_labels_are_not_taken_for_ours(
    quick_config: MakeConfig, folder: Path, tmp_path: Path
) -> None:
    rebuild(folder)
    others = tmp_path / "others.jsonl"
    write_labels(others, [labelling("Quite another sentence.", "train")])
    assert load_data(quick_config(named(folder)), others).real is None


def test_a_run_says_and_records_it(quick_config: MakeConfig, folder: Path, tmp_path: Path) -> None:
    extra = folder / "train.jsonl"
    extra.parent.mkdir(parents=True)
    record = {"text": "Mortars hit a depot.", "labels": ["attack_claim"]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(record) + "\n")
    printed = io.StringIO()
    config = quick_config(
        f"data.extra=[{extra}, {tmp_path / 'mine.jsonl'}]",
        "data.extra_missing=skip",
        "train.epochs=0.1",
    )
    done = run_training(config, Console(file=printed, width=80))
    assert f"left out, not there: {extra}" in printed.getvalue()
    assert "real sentences: none" in printed.getvalue()
    server = mlflow.MlflowClient(f"sqlite:///{config.output_dir / 'mlflow.db'}")
    tags = server.get_run(done.mlflow_run_id).data.tags
    assert tags["data_left_out"] == "train.jsonl"
    assert tags["real_sentences"].startswith("train 0/")


def test_what_is_held_out_is_not_trained_on(quick_config: MakeConfig, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    records = [
        *({"text": f"Held {n}.", "split": "test", "doc_id": f"t{n}"} for n in range(3)),
        {"text": "Held by validation.", "split": "validation", "doc_id": "v"},
        {"text": "HELD 1", "split": "train", "doc_id": "a"},
        {"text": "Held by validation."},
        {"text": "Its neighbour.", "split": "train", "doc_id": "t2"},
        {"text": "Something else.", "split": "train", "doc_id": "b"},
    ]
    path.write_text(
        "".join(json.dumps({"labels": ["background"], **each}) + "\n" for each in records)
    )
    data = load_data(quick_config(f"data.extra=[{path}]", "data.use_corpus=false"))
    assert data.texts("train") == {"Its neighbour.", "Something else."}
    assert len(data.texts("test")) == 3
    assert data.notes()[:2] == [
        "2 training sentence(s) left out: validation or test has the same",
        "warning: 1 document(s) stand in train and in validation or test (corpus t2): what is "
        "measured on them flatters; split by document",
    ]
    soft = tmp_path / "soft.jsonl"
    judged = dict.fromkeys((label.value for label in LABELS), 0.25)
    soft.write_text(
        "".join(
            json.dumps({"text": text, "probabilities": judged}) + "\n"
            for text in ("HELD 1", "Something else.", "New.")
        )
    )
    taught = load_data(
        quick_config(
            f"data.extra=[{path}]", "data.use_corpus=false", f"distillation.soft_labels={soft}"
        )
    )
    assert list(taught.soft) == ["Something else.", "New."]
    assert taught.is_held_out("held, 2!")
    with pytest.raises(ConfigError, match=r"expected each file once, found .* 2 times"):
        load_data(quick_config(f"data.extra=[{path}, {path}]"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Held 1.", "«HELD   1»", True),
        ("5 дронів.", "5 ракет.", False),
        ("Збито дрон.", "збито ДРОН!", True),
        ("...", "!!!", False),
    ],
)
def test_sentences_are_told_apart_in_any_script(one: str, other: str, same: bool) -> None:
    assert (sentence_key(one) == sentence_key(other)) == same
