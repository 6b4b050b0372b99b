from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from claimwire.data.corpus import to_dataset_dict
from claimwire.train.behaviour import document_parties
from claimwire.train.config import Config
from claimwire.train.labelled_data import load_data
from claimwire.train.pipeline import run_training
from claimwire.train.swapped import ORIGIN, with_swapped_parties


def test_sentences_that_name_a_party_follow_with_the_other(
    quick_config: Callable[..., Config],
) -> None:
    train = to_dataset_dict(load_data(quick_config()).examples)["train"]
    grown = with_swapped_parties(train, document_parties())
    assert grown.features == train.features
    assert [grown[n] for n in range(len(train))] == list(train)
    copies = [row for row in grown if row["origin"] == ORIGIN]
    assert len(copies) == len(grown) - len(train) > 0
    texts = set(train["text"])
    targets = {(row["doc_id"], tuple(row["targets"]), row["primary"]) for row in train}
    for copy in copies:
        assert copy["text"] not in texts
        assert (copy["doc_id"], tuple(copy["targets"]), copy["primary"]) in targets


def test_a_table_name_and_a_documents_own_party_are_exchanged(
    quick_config: Callable[..., Config],
) -> None:
    train = to_dataset_dict(load_data(quick_config()).examples)["train"].select([0, 1])
    columns = {name: train[name] for name in train.column_names}
    columns |= {
        "text": ["Russian jets hit a depot.", "Orven jets hit a depot."],
        "doc_id": ["x", "y"],
    }
    made = type(train).from_dict(columns, features=train.features)
    grown = with_swapped_parties(made, {"y": {"Orven": "orven", "Tallic": "tal"}})
    assert grown["text"][2:] == ["Ukrainian jets hit a depot.", "Tallic jets hit a depot."]


def test_without_parties_nothing_is_added(quick_config: Callable[..., Config]) -> None:
    train = to_dataset_dict(load_data(quick_config()).examples)["train"].select([0])
    columns = {name: train[name] for name in train.column_names} | {"text": ["It rained."]}
    made = type(train).from_dict(columns, features=train.features)
    assert len(with_swapped_parties(made, {})) == 1


def test_a_run_says_how_many_it_added(quick_config: Callable[..., Config]) -> None:
    import mlflow

    config = quick_config("data.swap_parties=true", "train.epochs=1")
    assert config.digest() != quick_config("train.epochs=1").digest()
    outcome = run_training(config, Console(quiet=True))
    metrics = mlflow.get_run(outcome.mlflow_run_id).data.metrics
    assert metrics["data/train_sentences_swapped"] > 0
