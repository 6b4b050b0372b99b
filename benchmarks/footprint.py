"""Cold start in seconds and megabytes, and memory over a long run.

Run from the repository's root, with nothing else running::

    python benchmarks/footprint.py [--starts 10] [--sentences 100000] [--model REF]

Cold start: a fresh process each time imports claimwire, loads the release and tags the sample
article; its own clock counts from before the import. The whole process, interpreter and exit
included, and the same by ``claimwire tag`` are told beside it. Long run: ``claimwire tag`` of so
many sentences, all different, into a file; its resident memory is sampled as the file grows. It is
flat where it does not rise by more than 5% once there are as many sentences as are remembered
(``claimwire.serve.cache``). Writes ``benchmarks/results/footprint.md``; exit code 1
where a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.serve.cache import SENTENCES as REMEMBERED

RESULTS: Final = Path("benchmarks/results/footprint.md")
ARTICLE: Final = Path(__file__).parents[1] / "data/samples/article.txt"
GOAL_SECONDS: Final = 0.6
GOAL_MB: Final = 200
GROWTH: Final = 0.05
SENTENCES_AN_ARTICLE: Final = 8
SAMPLE_SECONDS: Final = 0.5
MB: Final = 1e6

CHILD: Final = """
import time
begin = time.perf_counter()
from claimwire import Tagger
imported = time.perf_counter()
tagger = Tagger.load({model!r})
loaded = time.perf_counter()
article = open({article!r}, encoding="utf-8").read()
tagged = tagger.tag(article)
done = time.perf_counter()
import json, resource
assert tagged
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
now = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
print(json.dumps([imported - begin, loaded - imported, done - loaded, now, peak * 1024]))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: seconds of its parts and of the whole process, bytes at its end and most."""

    imported: float
    loaded: float
    tagged: float
    now: int
    peak: int
    process: float

    @property
    def seconds(self) -> float:
        """Import, load and first article."""
        return self.imported + self.loaded + self.tagged


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--model")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    cold(options.model)  # the files are in the page cache from here on
    starts = [cold(options.model) for _ in range(options.starts)]
    commands = [command_seconds(options.model) for _ in range(options.starts)]
    samples = list(long_run(options.sentences, options.model))
    text, good = report(starts, commands, samples, options.sentences)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0 if good else 1


def cold(model: str | None) -> Start:
    code = CHILD.format(model=model, article=str(ARTICLE))
    before = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    process = time.perf_counter() - before
    imported, loaded, tagged, now, peak = json.loads(done.stdout)
    return Start(imported, loaded, tagged, now, peak, process)


def command_seconds(model: str | None) -> float:
    before = time.perf_counter()
    subprocess.run(command(model, str(ARTICLE)), check=True, capture_output=True)
    return time.perf_counter() - before


def command(model: str | None, *arguments: str) -> list[str]:
    reference = ["--model", model] if model else []
    return [sys.executable, "-m", "claimwire", "tag", *arguments, *reference]


def long_run(sentences: int, model: str | None) -> Iterator[tuple[int, int]]:
    """Yield how many rows there are and how many bytes are resident, again and again."""
    with tempfile.TemporaryDirectory() as name:
        source, output = Path(name) / "in.jsonl", Path(name) / "out.jsonl"
        write_articles(source, sentences)
        partial = output.with_name("out.jsonl.partial")
        process = psutil.Popen(
            command(model, str(source), "-o", str(output)), stderr=subprocess.DEVNULL
        )
        written = Rows(partial)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):  # it came to its end just now
                if rows := written.count():
                    yield rows, process.memory_info().rss
            time.sleep(SAMPLE_SECONDS)
        assert process.returncode == 0, "the run failed"
        total = output.read_bytes().count(b"\n")
        assert total >= 0.95 * sentences, f"expected about {sentences} rows, found {total}"


class Rows:
    """Counts the lines of a growing file, reading each part of it once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rows = 0

    def count(self) -> int:
        if self._path.exists():
            with self._path.open("rb") as stream:
                stream.seek(self._position)
                new = stream.read()
            self._position += len(new)
            self._rows += new.count(b"\n")
        return self._rows


def write_articles(path: Path, sentences: int) -> None:
    """Write articles of sentences none of which comes twice."""
    texts = [example.text.rstrip(".") for example in load_examples(default_corpus())]
    with path.open("w", encoding="utf-8") as stream:
        for first in range(0, sentences, SENTENCES_AN_ARTICLE):
            numbers = range(first, min(first + SENTENCES_AN_ARTICLE, sentences))
            text = " ".join(f"{texts[n % len(texts)]}, said report {n}." for n in numbers)
            stream.write(json.dumps({"id": first, "text": text}) + "\n")


def report(
    starts: list[Start], commands: list[float], samples: list[tuple[int, int]], sentences: int
) -> tuple[str, bool]:
    best = min(starts, key=lambda start: start.seconds)
    rows = {
        "import": [start.imported for start in starts],
        "load": [start.loaded for start in starts],
        "first article": [start.tagged for start in starts],
        "**the three together**": [start.seconds for start in starts],
        "whole process": [start.process for start in starts],
        "`claimwire tag data/samples/article.txt`": commands,
    }
    memory = statistics.median(start.now for start in starts) / MB
    peak = max(start.peak for start in starts) / MB
    settled = [size for done, size in samples if done >= 1.1 * REMEMBERED]
    growth = max(settled) / settled[0] - 1 if settled else float("inf")
    verdict = "flat" if growth <= GROWTH else "NOT flat" if settled else "too short a run to tell"
    lines = [
        "# Footprint",
        "",
        f"By `python benchmarks/footprint.py`, {len(starts)} starts in fresh processes; goals: "
        f"{GOAL_SECONDS} s and {GOAL_MB} MB.",
        "",
        "| cold start, seconds | best | median |",
        "|---|---|---|",
        *(f"| {n} | {min(s):.2f} | {statistics.median(s):.2f} |" for n, s in rows.items()),
        "",
        f"Resident after the first article: {memory:.0f} MB (median), at most {peak:.0f} MB.",
        "",
        f"Resident over {sentences:,} different sentences, by `claimwire tag IN.jsonl -o "
        "OUT.jsonl`:",
        "",
        "| sentences done | MB |",
        "|---|---|",
        *(f"| {done:,} | {size / MB:.0f} |" for done, size in tenths(samples, sentences)),
        "",
        f"{REMEMBERED:,} sentences are remembered; after 1.1 times as many the memory rose by "
        f"{growth:.1%} at most: {verdict}.",
        "",
    ]
    good = best.seconds <= GOAL_SECONDS and memory <= GOAL_MB and growth <= GROWTH
    return "\n".join(lines), good


def tenths(samples: list[tuple[int, int]], sentences: int) -> Iterator[tuple[int, int]]:
    """Yield the first sample in each tenth of the run."""
    reached = -1
    for done, size in samples:
        if done * 10 // sentences > reached:
            reached = done * 10 // sentences
            yield done, size


if __name__ == "__main__":
    raise SystemExit(main())
