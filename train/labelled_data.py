"""The labelled sentences of a run, as its configuration names them."""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from rich.console import Console

from claimwire.data.corpus import SPLITS, Example, corpus_digest, default_corpus, load_examples
from claimwire.data.errors import ConfigError
from claimwire.train.config import Config
from claimwire.train.real_sentences import (
    TAG,
    RealSentences,
    is_rebuilt,
    rebuild_command,
    shown,
    take_stock,
)
from claimwire.train.soft_labels import Probabilities, read_teachers

_NO_WORD: Final = re.compile(r"[\W_]+")  # the digest of real sentences sees ASCII alone

LEFT_OUT_TAG: Final = "data_left_out"


@dataclass(frozen=True)
class LabelledData:
    """The examples of a run, their digest and where they come from.

    Attributes:
        examples: the sentences of all splits.
        digest: of the files they come from, ``sha256:...``.
        source: names of those files.
        soft: a teacher's probabilities by sentence; empty without a teacher.
        left_out: files that ``data.extra`` names and that are not there (``data.extra_missing``).
        real: how much of the labelled real sentences is there; None where none are asked for.
        leaked: training sentences that were taken out because validation or test has them too.
        torn: documents with sentences in training and in validation or test.
    """

    examples: list[Example]
    digest: str
    source: str
    soft: dict[str, Probabilities] = field(default_factory=dict)
    left_out: tuple[Path, ...] = ()
    real: RealSentences | None = None
    leaked: int = 0
    torn: tuple[str, ...] = ()

    @cached_property
    def _held_out(self) -> frozenset[str]:
        return held_out_keys(self.examples)

    def is_held_out(self, text: str) -> bool:
        """Say whether validation or test has this sentence; case and punctuation do not count."""
        return sentence_key(text) in self._held_out

    def texts(self, *splits: str) -> set[str]:
        """Return the texts of some splits."""
        return {example.text for example in self.examples if example.split in splits}

    def notes(self) -> list[str]:
        """Return what is there and what is not, one line each; nothing where all is plain."""
        lines = [
            f"left out, not there: {shown(path)} (data.extra_missing=skip)"
            for path in self.left_out
        ]
        if self.leaked:
            lines.append(
                f"{self.leaked:,} training sentence(s) left out: validation or test has the same"
            )
        if self.torn:
            lines.append(
                f"warning: {len(self.torn):,} document(s) stand in train and in validation or test "
                f"({', '.join(self.torn[:3])}{', ...' if len(self.torn) > 3 else ''}): what is "
                "measured on them flatters; split by document"
            )
        return lines + (self.real.lines() if self.real else [])

    def say_what_is_there(self, console: Console) -> None:
        """Print the notes, lines as they are."""
        for note in self.notes():
            console.print(note, highlight=False, markup=False, soft_wrap=True)

    def tags(self) -> Mapping[str, str]:
        """Return the same for the record of the run."""
        tags = {TAG: self.real.tag()} if self.real else {}
        if self.left_out:
            tags[LEFT_OUT_TAG] = ", ".join(path.name for path in self.left_out)
        return tags


def load_data(config: Config, standoff_labels: Path | None = None) -> LabelledData:
    """Read the configured sentences; training ones that are held out as well are left out.

    Args:
        config: the experiment.
        standoff_labels: what rebuilt real sentences are compared with; None: the repository's.

    Raises:
        CorpusError: a file breaks the contract.
        ConfigError: a file of ``data.extra`` stands there twice, or is not there and
            ``data.extra_missing`` does not allow for it, a split that training needs is empty, or
            the soft labels are not there.
    """
    corpus = config.data.corpus or default_corpus()
    left_out = tuple(path for path in config.data.extra if not path.exists())
    if left_out and config.data.extra_missing == "error":
        raise ConfigError(_not_there(left_out, len(config.data.extra)))
    extra = tuple(path for path in config.data.extra if path not in left_out)
    use_corpus = config.data.use_corpus
    _refuse_twice(extra)
    everything = load_examples(corpus, extra, use_corpus=use_corpus)
    held_out = held_out_keys(everything)
    clean = [
        each
        for each in everything
        if each.split != "train" or sentence_key(each.text) not in held_out
    ]
    examples = _thinned(config, clean)
    for split in SPLITS:
        if not any(example.split == split for example in examples):
            raise ConfigError(
                f"expected sentences in each of {', '.join(SPLITS)}, found none in {split}"
                f"{_after(len(everything) - len(clean))}: "
                "check data.corpus, data.extra (its records' split) and data.use_corpus"
            )
    taught = config.distillation.soft_labels
    untaught = next((path for path in taught if not path.is_file()), None)
    if untaught is not None:
        raise ConfigError(
            f"distillation.soft_labels: expected a file of soft labels, found none at {untaught}: "
            "make it with `claimwire teach CONFIG`, or train on labels alone with "
            "distillation.soft_labels=null"
        )
    files = (*extra, *taught)
    sources = [path.name for path in (*([corpus] if use_corpus else []), *files)]
    digest = corpus_digest(corpus, files, use_corpus=use_corpus)
    very_texts = {example.text for example in examples if example.split != "train"}
    soft = {
        text: each
        for text, each in read_teachers(taught).items()
        if text in very_texts or sentence_key(text) not in held_out  # distil refuses the former
    }
    real = take_stock(config.data.extra, standoff_labels)
    return LabelledData(
        examples,
        digest,
        ", ".join(sources),
        soft,
        left_out,
        real,
        leaked=len(everything) - len(clean),
        torn=_torn(clean),
    )


def _after(leaked: int) -> str:
    return f" after {leaked:,} that validation or test has too were left out" if leaked else ""


def held_out_keys(examples: Sequence[Example]) -> frozenset[str]:
    """Return the keys of the sentences of validation and test.

    What is measured on a sentence that was trained on says nothing of new ones, so training goes
    without them.
    """
    return frozenset(sentence_key(each.text) for each in examples if each.split != "train")


def sentence_key(text: str) -> str:
    """Return what two sentences share that differ in case, punctuation and spaces alone."""
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip() or text


def _torn(examples: Sequence[Example]) -> tuple[str, ...]:
    trained, held_out = (
        {
            each.document_key
            for each in examples
            if (each.split == "train") is is_train and each.document_key is not None
        }
        for is_train in (True, False)
    )
    return tuple(" ".join(key) for key in sorted(trained & held_out))


def _refuse_twice(files: Sequence[Path]) -> None:
    [(path, times)] = Counter(file.resolve() for file in files).most_common(1) or [(Path(), 1)]
    if times > 1:
        raise ConfigError(
            f"data.extra: expected each file once, found {shown(path)} {times} times: name it once"
        )


def _not_there(missing: Sequence[Path], named: int) -> str:
    rebuilt = [path for path in missing if is_rebuilt(path)]
    what = f"make them with `{rebuild_command(rebuilt[0].parent)}`" if rebuilt else ""
    if len(rebuilt) < len(missing):
        what += " and correct the other paths" if what else "correct the path"
    listed = "".join(f"\n  {shown(path)}" for path in missing)
    return (
        f"data.extra: expected {named} file(s), found {named - len(missing)}; not there:{listed}\n"
        f"{what}, or train on what is there with data.extra_missing=skip"
    )


def _thinned(config: Config, examples: list[Example]) -> list[Example]:
    limit = config.data.max_train_sentences
    train = [example for example in examples if example.split == "train"]
    if limit is None or limit >= len(train):
        return examples
    # Sampling is not cryptography; the seed makes the part reproducible.
    kept = random.Random(config.train.seed).sample(train, limit)  # noqa: S311
    return kept + [example for example in examples if example.split != "train"]
