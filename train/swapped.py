"""Training sentences a second time with the parties exchanged.

Who does something must not change what is claimed. Counterfactual data augmentation teaches that:
each sentence that names a party of a conflict stands in the training set once more with the
opponents exchanged and with the same targets (Lu et al.: Gender Bias in Neural Natural Language
Processing, 2018; Kaushik, Hovy, Lipton: Learning the Difference that Makes a Difference, 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from claimwire.data.opponents import conflict_of_document, load_conflicts, swap_sentence

if TYPE_CHECKING:
    import datasets

ORIGIN: Final = "swapped"
"""What stands in the column ``origin`` of a copy."""


def with_swapped_parties(
    train: datasets.Dataset, parties: Mapping[str, Mapping[str, str]]
) -> datasets.Dataset:
    """Return the training split and behind it the copies of the sentences that name a party.

    Args:
        train: columns as of :func:`claimwire.data.corpus.to_dataset_dict`.
        parties: the documents' own parties by ``doc_id``, see
            :func:`claimwire.train.behaviour.document_parties`.
    """
    from datasets import Dataset, concatenate_datasets

    table = load_conflicts()
    own = {name: conflict_of_document(sides, table) for name, sides in parties.items()}
    there = set(train["text"])
    chosen: list[int] = []
    texts: list[str] = []
    for index, (text, doc_id) in enumerate(zip(train["text"], train["doc_id"], strict=True)):
        swapped = swap_sentence(text, table, own.get(doc_id) if doc_id else None)
        if swapped is not None and swapped.text not in there:
            chosen.append(index)
            texts.append(swapped.text)
    if not chosen:
        return train
    copies = train.select(chosen)
    columns = {name: copies[name] for name in train.column_names}
    columns |= {"text": texts, "origin": [ORIGIN] * len(texts)}
    return concatenate_datasets([train, Dataset.from_dict(columns, features=train.features)])
