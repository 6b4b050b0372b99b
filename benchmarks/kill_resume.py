"""kill -9 at random moments of ``claimwire tag``, then --resume: is every byte as it should be?

Run from the repository's root::

    python benchmarks/kill_resume.py [--points 20] [--articles 300] [--model REF] [--seed 7]

Each point starts from nothing, is killed at a random moment of a run's length (every second point
twice: the run that resumes as well), and is resumed to its end. Output and errors file are compared
byte by byte with those of a run that nobody disturbed. The formats take turns. Exit code 1 where
anything differs.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from claimwire.data.corpus import default_corpus, load_examples
from claimwire.serve.outputs import errors_path

FORMATS = ("jsonl", "csv", "parquet")
REPEAT = 10
"""Every so many articles one comes again, and a line cannot be read."""


def lines(articles: int, chosen: random.Random) -> Iterator[str]:
    texts = [example.text for example in load_examples(default_corpus())]
    for number in range(articles):
        article = " ".join(chosen.sample(texts, 8))
        yield json.dumps({"id": f"n{number}", "text": article, "number": number})
        if number % REPEAT == 0:
            yield json.dumps({"text": article})
            yield '{"text": '


def start(source: Path, output: Path, model: list[str], *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "claimwire", "tag", str(source), "-o", str(output)]
    return subprocess.Popen([*command, *model, *options], stderr=subprocess.DEVNULL)


def killed(process: subprocess.Popen[bytes], after: float) -> bool:
    """Kill a process after so many seconds; say whether it was still running."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def rows_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--model")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    chosen = random.Random(options.seed)
    model = ["--model", options.model] if options.model else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "in.jsonl"
        source.write_text("".join(f"{line}\n" for line in lines(options.articles, chosen)))
        undisturbed: dict[str, tuple[bytes, bytes]] = {}
        for form in FORMATS:
            output = folder / f"whole.{form}"
            begin = time.perf_counter()
            start(source, output, model).wait()
            seconds = time.perf_counter() - begin
            undisturbed[form] = output.read_bytes(), errors_path(output).read_bytes()
        rows = rows_in(folder / "whole.jsonl")
        print(
            f"{rows} rows, {len(undisturbed['jsonl'][1].splitlines())} failures; "
            f"an undisturbed run takes {seconds:.1f} s"
        )
        same, kills = 0, 0
        for point in range(options.points):
            form = FORMATS[point % len(FORMATS)]
            output = folder / f"{point}.{form}"
            partial = output.with_name(output.name + ".partial")
            told = []
            for resume in [(), ("--resume",)][: 1 + point % 2]:
                moment = chosen.uniform(0, seconds)
                if killed(start(source, output, model, *resume), moment):
                    kills += 1
                    told.append(f"{moment:.2f} s ({rows_in(partial)} rows there)")
            start(source, output, model, "--resume").wait()
            made = output.read_bytes(), errors_path(output).read_bytes()
            equal = made == undisturbed[form]
            clean = not partial.exists()
            same += equal and clean
            verdict = "same bytes" if equal and clean else "DIFFERENT"
            print(f"{point + 1:>3} {form:<8}killed at {' and '.join(told) or '-'}: {verdict}")
        print(f"{same} of {options.points} points ended with the same bytes; {kills} kills")
    return 0 if same == options.points else 1


if __name__ == "__main__":
    raise SystemExit(main())
