"""Pictures of the review desk for docs/review.md: the real pages in headless Chromium.

Run from the repository's root, with the extra [dev] and Debian's Chromium::

    python benchmarks/review_pictures.py

Imports what the composed corpus holds out, tagged by the shipped release; judges its random stratum
by the corpus's own labels; and takes each page, light and dark, wide and narrow. The four that the
guide shows go to ``docs/figures/``, all of them to ``--all FOLDER`` to be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from review_pages import CHROMIUM, CHROMIUM_FLAGS, serving

from claimwire.data.corpus import Example, default_corpus, load_examples
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.queues import Filter, QueueName, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.tagger import Tagger

FIGURES: Final = Path("docs/figures")
WIDE: Final = {"width": 1120, "height": 760}
NARROW: Final = {"width": 390, "height": 800}
LEFT_OPEN: Final = 40
"""Sentences of the random stratum that are not judged."""

SHOWN: Final = {
    "review-judge.png": "judge-light-wide.png",
    "review-judge-dark.png": "open-dark-wide.png",
    "review-start.png": "start-light-wide.png",
    "review-estimates.png": "estimates-light-wide.png",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--all", type=Path, help="folder for all pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="claimwire-pictures-") as scratch:
        db, folder = str(Path(scratch) / "review.db"), options.all or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        _fill(db)
        with serving(db, "mara") as port, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=list(CHROMIUM_FLAGS)
            )
            for scheme in ("light", "dark"):
                for width, size in (("wide", WIDE), ("narrow", NARROW)):
                    _take(browser, port, folder, scheme, width, size)
            browser.close()
        FIGURES.mkdir(exist_ok=True)
        for name, picture in SHOWN.items():
            # The pages have few colours: a palette makes the files a third.
            with Image.open(folder / picture) as image:
                image.convert("RGB").quantize(256).save(FIGURES / name, optimize=True)
            print(f"{FIGURES / name}: {(FIGURES / name).stat().st_size / 1000:.0f} kB")


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def _records(examples: list[Example]) -> Iterator[dict[str, Any]]:
    tagger = Tagger.load()
    titles = {e.doc_id: e.text for e in examples if e.is_title}
    tagged = tagger.tag_sentences([example.text for example in examples])
    places: dict[str | None, int] = {}
    for example, sentence in zip(examples, tagged, strict=True):
        index = places[example.doc_id] = places.get(example.doc_id, -1) + 1
        yield {
            "article_id": example.doc_id,
            "sentence_index": index,
            "text": example.text,
            **sentence.verdict(),
            "model": tagger.model,
            "title": titles.get(example.doc_id),
            "theatre": example.theatre,
            "source": "sample wire",
            # As if the corpus's labels were those in doubt: how little the release thinks of them.
            "noise": round(max(0.0, 1 - 2 * sentence.scores[example.labels[0]]), 4),
        }


def _fill(db: str) -> None:
    examples = [e for e in load_examples(default_corpus()) if e.split != "train"]
    true = {example.text: tuple(label.value for label in example.labels) for example in examples}
    with ReviewStore.open(db) as store:
        import_records(store, _records(examples), random_share=0.4)
        stratum = next_items(store, Filter(QueueName.RANDOM), "mara", count=10_000)
        for number, item in enumerate(stratum[:-LEFT_OPEN]):
            decision = NewDecision(
                item.sentence_id, "label", str(uuid.uuid4()), labels=true[item.text]
            )
            if number % 60 == 10:
                decision = NewDecision(
                    item.sentence_id, "skip", str(uuid.uuid4()), reason="It needs the map"
                )
            record_decision(store, "mara", decision)


def _take(
    browser: Browser, port: int, folder: Path, scheme: str, width: str, size: dict[str, int]
) -> None:
    """Take every page in one colour scheme and width."""
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    base = f"http://127.0.0.1:{port}"
    end = f"{scheme}-{width}.png"
    for name, path in {
        "start": "/",
        "estimates": "/estimates",
        "guidelines": "/guidelines",
        "sentence": "/sentences/3",
    }.items():
        page.goto(f"{base}{path}")
        page.screenshot(path=folder / f"{name}-{end}")
    page.goto(f"{base}/judge?queue=uncertain")
    page.wait_for_selector("#work:not([hidden])")
    page.screenshot(path=folder / f"judge-{end}")
    page.keyboard.press("o")
    page.wait_for_selector("#model:not([hidden]) #scores:not([hidden])")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / f"open-{end}")
    page.keyboard.press("s")
    page.screenshot(path=folder / f"skip-{end}")
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    page.keyboard.press("g")
    page.screenshot(path=folder / f"guide-{end}")
    context.close()


if __name__ == "__main__":
    main()
