"""The labelled sentences of a run, as its configuration names them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from claimwire.data.corpus import SPLITS, Example, corpus_digest, default_corpus, load_examples
from claimwire.data.errors import ConfigError
from claimwire.train.config import Config
from claimwire.train.soft_labels import Probabilities, read_soft_labels


@dataclass(frozen=True, slots=True)
class LabelledData:
    """The examples of a run, their digest and where they come from.

    ``soft`` holds a teacher's probabilities by sentence, and is empty without a teacher.
    """

    examples: list[Example]
    digest: str
    source: str
    soft: dict[str, Probabilities] = field(default_factory=dict)

    def texts(self, *splits: str) -> set[str]:
        """Return the texts of some splits."""
        return {example.text for example in self.examples if example.split in splits}


def load_data(config: Config) -> LabelledData:
    """Read the configured sentences.

    Raises:
        CorpusError: a file breaks the contract.
        ConfigError: a split that training needs is empty, or the soft labels are not there.
    """
    corpus = config.data.corpus or default_corpus()
    extra = config.data.extra
    use_corpus = config.data.use_corpus
    examples = _thinned(config, load_examples(corpus, extra, use_corpus=use_corpus))
    for split in SPLITS:
        if not any(example.split == split for example in examples):
            raise ConfigError(
                f"expected sentences in each of {', '.join(SPLITS)}, found none in {split}: "
                "check data.corpus, data.extra (its records' split) and data.use_corpus"
            )
    taught = config.distillation.soft_labels
    if taught is not None and not taught.is_file():
        raise ConfigError(
            f"distillation.soft_labels: expected a file of soft labels, found none at {taught}: "
            "make it with `claimwire teach CONFIG`, or train on labels alone with "
            "distillation.soft_labels=null"
        )
    files = (*extra, *([taught] if taught else []))
    sources = [path.name for path in (*([corpus] if use_corpus else []), *files)]
    digest = corpus_digest(corpus, files, use_corpus=use_corpus)
    soft = read_soft_labels(taught) if taught else {}
    return LabelledData(examples, digest, ", ".join(sources), soft)


def _thinned(config: Config, examples: list[Example]) -> list[Example]:
    limit = config.data.max_train_sentences
    train = [example for example in examples if example.split == "train"]
    if limit is None or limit >= len(train):
        return examples
    # Sampling is not cryptography; the seed makes the part reproducible.
    kept = random.Random(config.train.seed).sample(train, limit)  # noqa: S311
    return kept + [example for example in examples if example.split != "train"]
