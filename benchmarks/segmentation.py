"""Sentence splitters on the golden set: claimwire against raw sentencex, nupunkt, pysbd, syntok.

Run from the repository's root, with the extra [dev] installed::

    python benchmarks/segmentation.py > benchmarks/results/segmentation.md

*All* scores a splitter on the whole article, junk and all. *Prose* gives it only the stretches
between the golden set's junk, so that splitting alone is compared. A sentence is right where its
start and its end are (boundary F1), or where its text is once white space is evened out (sentence
F1). Speed is given as a ratio to raw sentencex on the same articles: seconds depend on the machine.
"""

from __future__ import annotations

import json
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from claimwire.data import junk
from claimwire.data.segment import segment
from claimwire.data.splitting import split

GOLDEN = sorted(Path("tests/data/golden").glob("*.json"))
REPEATS = 5
Spans = list[tuple[int, int]]
Splitter = Callable[[str], Spans]


class Article(NamedTuple):
    text: str
    sentences: Spans
    junk: Spans
    prose: Spans
    held_out: bool


def load(path: Path) -> Article:
    record = json.loads(path.read_text(encoding="utf-8"))
    text, waiting = record["article"], [list(record["sentences"]), list(record["junk"])]
    found: list[Spans] = [[], []]
    prose: Spans = []
    position, last = 0, 1
    while any(waiting):
        position += len(text[position:]) - len(text[position:].lstrip())
        kinds = [k for k in (0, 1) if waiting[k] and text.startswith(waiting[k][0], position)]
        kind = max(kinds, key=lambda k: len(waiting[k][0]))
        end = position + len(waiting[kind].pop(0))
        found[kind].append((position, end))
        if kind == 0:
            same = last == 0 and "\n\n" not in text[prose[-1][1] : position]
            prose[-1:] = [(prose[-1][0], end)] if same else [*prose[-1:], (position, end)]
        position, last = end, kind
    return Article(text, found[0], found[1], prose, record["held_out"])


def located(text: str, sentences: Iterable[str]) -> Spans:
    """Find sentences that a splitter gave as strings; it may have changed white space."""
    spans: Spans = []
    position = 0
    for sentence in sentences:
        words = sentence.split()
        if not words:
            continue
        found = re.compile(r"\s*".join(map(re.escape, words))).search(text, position)
        if found:
            spans.append(found.span())
            position = found.end()
    return spans


def stripped(text: str, spans: Iterable[tuple[int, int]]) -> Spans:
    out: Spans = []
    for start, end in spans:
        piece = text[start:end]
        if piece.strip():
            first = start + len(piece) - len(piece.lstrip())
            out.append((first, first + len(piece.strip())))
    return out


def sentencex(text: str) -> Spans:
    from sentencex import get_sentence_boundaries

    found = get_sentence_boundaries("en", text)
    return stripped(text, ((int(b["start_index"]), int(b["end_index"])) for b in found))


def nupunkt(text: str) -> Spans:
    from nupunkt import sent_spans

    return stripped(text, sent_spans(text))


def make_pysbd() -> Splitter:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysbd

        segmenter = pysbd.Segmenter(language="en", clean=False)
    return lambda text: located(text, segmenter.segment(text))


def syntok(text: str) -> Spans:
    from syntok import segmenter

    return [
        (sentence[0].offset, sentence[-1].offset + len(sentence[-1].value))
        for paragraph in segmenter.analyze(text)
        for sentence in paragraph
        if sentence
    ]


def ours(text: str) -> Spans:
    return [(span.start, span.end) for span in segment(text).sentences]


def f1(right: int, truth: int, found: int) -> float:
    return 2 * right / (truth + found) if truth + found else 0.0


def score(articles: list[Article], splitter: Splitter, *, prose_only: bool) -> tuple[float, float]:
    right = text_right = truth = found = 0
    for article in articles:
        if prose_only:
            spans = [
                (start + first, start + last)
                for start, end in article.prose
                for first, last in splitter(article.text[start:end])
            ]
        else:
            spans = splitter(article.text)
        right += len(set(spans) & set(article.sentences))
        gold = Counter(even(article.text, article.sentences))
        text_right += (gold & Counter(even(article.text, spans))).total()
        truth += len(article.sentences)
        found += len(spans)
    return f1(right, truth, found), f1(text_right, truth, found)


def even(text: str, spans: Spans) -> list[str]:
    return [" ".join(text[start:end].split()) for start, end in spans]


def junk_left(articles: list[Article], splitter: Splitter) -> float:
    left = whole = 0
    for article in articles:
        spans = splitter(article.text)
        for start, end in article.junk:
            marks = [i for i in range(start, end) if not article.text[i].isspace()]
            left += sum(any(a <= i < b for a, b in spans) for i in marks)
            whole += len(marks)
    return left / whole


def seconds(articles: list[Article], splitter: Splitter) -> float:
    """Return the best of several runs over all articles."""
    best = float("inf")
    for _ in range(REPEATS):
        junk._judged.cache_clear()  # no repeat may profit from the one before
        start = time.perf_counter()
        for article in articles:
            splitter(article.text)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    articles = [load(path) for path in GOLDEN]
    count = sum(len(article.sentences) for article in articles)
    splitters: dict[str, tuple[Splitter, Splitter]] = {
        f"sentencex {version('sentencex')}": (sentencex, sentencex),
        f"nupunkt {version('nupunkt')}": (nupunkt, nupunkt),
        f"pysbd {version('pysbd')}": (pysbd := make_pysbd(), pysbd),
        f"syntok {version('syntok')}": (syntok, syntok),
        "claimwire": (ours, split),
    }
    print("# Sentences of messy articles\n")
    print(f"{len(articles)} articles, {count} sentences, by `python benchmarks/segmentation.py`.\n")
    print(
        "| splitter | all: boundary F1 | all: sentence F1 | junk left | prose: boundary F1 |"
        " prose: sentence F1 | sentences/s, as a ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    base = seconds(articles, sentencex)
    for name, (whole, prose) in splitters.items():
        every, every_text = score(articles, whole, prose_only=False)
        only, only_text = score(articles, prose, prose_only=True)
        print(
            f"| {name} | {every:.3f} | {every_text:.3f} | {junk_left(articles, whole):.1%} |"
            f" {only:.3f} | {only_text:.3f} | {base / seconds(articles, whole):.3f} |"
        )


if __name__ == "__main__":
    main()
