"""Pictures of the review desk for docs/review.md: the real pages in headless Chromium.

Run from the repository's root, with the extra [dev] and Debian's Chromium::

    python benchmarks/review_pictures.py

Imports what the composed corpus holds out, tagged by the shipped release; judges its random stratum
by the corpus's own labels; and takes each page, light and dark, wide and narrow. For the pages of a
team a second desk has two reviewers, one of whom slips now and then, and an adjudicator; its
articles have invented dates. What the guide shows goes to ``docs/figures/``, everything to
``--all FOLDER`` to be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from review_desk import launch, serving

from claimwire.data.corpus import Example, default_corpus, load_examples
from claimwire.serve.review.decisions import NewDecision, record_decision
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.queues import Filter, Item, QueueName, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.users import add_user
from claimwire.serve.tagger import Tagger

FIGURES: Final = Path("docs/figures")
WIDE: Final = {"width": 1120, "height": 760}
NARROW: Final = {"width": 390, "height": 800}
LEFT_OPEN: Final = 40
"""Sentences of the random stratum that are not judged."""

FIRST_DAY: Final = date(2026, 3, 2)
WEEKS: Final = 8
"""Over which the articles are spread, for the dashboard."""

SLIPS: Final = 30
"""Of so many sentences the second reviewer gives one what the model finds second likeliest."""

PASSWORD: Final = "only for the pictures"  # the desk is gone when they are taken
TEAM: Final = {"mara": "reviewer", "olu": "reviewer", "ada": "adjudicator"}

SHOWN: Final = {
    "review-judge.png": "judge-light-wide.png",
    "review-judge-dark.png": "open-dark-wide.png",
    "review-start.png": "start-light-wide.png",
    "review-estimates.png": "estimates-light-wide.png",
    "review-dashboard.png": "dashboard-light-wide.png",
    "review-adjudicate.png": "adjudicate-light-wide.png",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", type=Path, help="folder for all pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="claimwire-pictures-") as scratch:
        folder = options.all or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        alone, team = (str(Path(scratch) / f"{name}.db") for name in ("alone", "team"))
        _fill(alone)
        _fill_team(team)
        with sync_playwright() as playwright:
            browser = launch(playwright)
            with serving(alone, "--reviewer", "mara") as (port, _):
                for page, end in _pages(browser, port):
                    _take(page, folder, end)
            with serving(team, "--sign-in") as (port, _):
                for page, end in _pages(browser, port):
                    _take_team(page, folder, end)
            browser.close()
        FIGURES.mkdir(exist_ok=True)
        for name, picture in SHOWN.items():
            # The pages have few colours: a palette makes the files a third.
            with Image.open(folder / picture) as image:
                image.convert("RGB").quantize(256).save(FIGURES / name, optimize=True)
            print(f"{FIGURES / name}: {(FIGURES / name).stat().st_size / 1000:.0f} kB")


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
            "date": (FIRST_DAY + timedelta(days=len(places) % (7 * WEEKS))).isoformat(),
            # As if the corpus's labels were those in doubt: how little the release thinks of them.
            "noise": round(max(0.0, 1 - 2 * sentence.scores[example.labels[0]]), 4),
        }


def _held_out() -> list[Example]:
    return [e for e in load_examples(default_corpus()) if e.split != "train"]


def _true(examples: Iterable[Example]) -> dict[str, tuple[str, ...]]:
    return {example.text: tuple(label.value for label in example.labels) for example in examples}


def _fill(db: str) -> None:
    examples = _held_out()
    true = _true(examples)
    with ReviewStore.open(db) as store:
        import_records(store, _records(examples), random_share=0.4)
        for number, item in enumerate(_stratum(store, "mara")):
            if number % 60 == 10:
                _decide(store, "mara", item, "skip", reason="It needs the map")
            else:
                _decide(store, "mara", item, "label", labels=true[item.text])


def _fill_team(db: str) -> None:
    examples = _held_out()
    true = _true(examples)
    with ReviewStore.open(db) as store:
        for name, role in TEAM.items():
            add_user(store, name, PASSWORD, role)
        import_records(store, _records(examples), random_share=0.4, double_share=0.5)
        for item in _stratum(store, "mara"):
            _decide(store, "mara", item, "label", labels=true[item.text])
        for number, item in enumerate(_stratum(store, "olu")):
            assert item.prediction is not None
            scores = item.prediction.scores
            slip = sorted(scores, key=lambda label: scores[label])[-2]
            labels, note = true[item.text], ""
            if number % SLIPS == 0 and slip not in labels:
                labels, note = (slip,), "Or is it only what somebody concludes?"
            _decide(store, "olu", item, "label", labels=labels, note=note)


def _stratum(store: ReviewStore, reviewer: str) -> list[Item]:
    """Return what a reviewer judges of the random stratum, in its order."""
    return next_items(store, Filter(QueueName.RANDOM), reviewer, count=10_000)[:-LEFT_OPEN]


def _decide(store: ReviewStore, reviewer: str, item: Item, kind: str, **said: Any) -> None:
    decision = NewDecision(item.sentence_id, kind, str(uuid.uuid4()), **said)
    record_decision(store, reviewer, decision)


def _pages(browser: Browser, port: int) -> Iterator[tuple[Page, str]]:
    """Yield a page for each colour scheme and width, with what its pictures' names end in."""
    for scheme in ("light", "dark"):
        for width, size in (("wide", WIDE), ("narrow", NARROW)):
            context = browser.new_context(
                viewport=size,  # type: ignore[arg-type]
                color_scheme=scheme,  # type: ignore[arg-type]
                base_url=f"http://127.0.0.1:{port}",
            )
            yield context.new_page(), f"{scheme}-{width}.png"
            context.close()


def _take(page: Page, folder: Path, end: str) -> None:
    """Take the pages of a desk for one."""
    for name, path in {
        "start": "/",
        "estimates": "/estimates",
        "guidelines": "/guidelines",
        "sentence": "/sentences/3",
    }.items():
        page.goto(path)
        page.screenshot(path=folder / f"{name}-{end}")
    page.goto("/judge?queue=uncertain")
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


def _take_team(page: Page, folder: Path, end: str) -> None:
    """Take the pages of a team, as its adjudicator sees them."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("/")
    page.goto("/dashboard")
    page.screenshot(path=folder / f"dashboard-whole-{end}", full_page=True)
    box = page.locator("#confusion").bounding_box()
    assert box is not None
    whole = {
        "x": 0,
        "y": 0,
        "width": box["x"] * 2 + box["width"],
        "height": box["y"] + box["height"] + 16,
    }
    page.screenshot(path=folder / f"dashboard-{end}", full_page=True, clip=whole)  # type: ignore[arg-type]
    page.goto("/dashboard/sentences?judged=disputed")
    page.screenshot(path=folder / f"listed-{end}")
    page.goto("/adjudicate")
    page.wait_for_selector("#work:not([hidden])")
    page.screenshot(path=folder / f"adjudicate-{end}", full_page=True)  # with all answers


if __name__ == "__main__":
    main()
