"""Twenty reviewers at one review desk at once: is every decision kept, and how long does it take?

Run from the repository's root, with the extra [dev] installed and nothing else running::

    python benchmarks/review.py                       # 20 reviewers, 60 s on each database
    python benchmarks/review.py --database sqlite --seconds 10 --reviewers 5

Starts the real ``claimwire review serve`` with sign-in on, over SQLite in a file and over
PostgreSQL by pgserver (which syncs to disk as it does by default). Each reviewer signs in, asks for
sentences, thinks, and judges; some sentences they skip, some decisions they undo and judge again,
as the pages let them. A share of the decisions is sent twice with one client key, half of those
while the first one has no answer yet, and what got no answer, or one of 500 and above, is sent
again. Then the desk is stopped, and each reviewer's own notes are compared with the database.
Writes ``benchmarks/results/review.md``; exits with 1 where a decision was lost, doubled or changed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import psutil
from review_desk import serving
from simulated_reviewer import PASSWORD, SKIPPED, UNDONE, Note, Reviewer
from sqlalchemy import select

from claimwire.data.labels import LABELS
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.tables import VERDICT_KINDS, DecisionRow, QueueRow, StandingRow
from claimwire.serve.review.users import add_user

RESULTS: Final = Path("benchmarks/results/review.md")
MOST_REVIEWERS: Final = 30
"""Tries at signing in that the desk allows from one address."""

HEAD: Final = ("| | answers | p50 | p95 | p99 | most |", "|---|---:|---:|---:|---:|---:|")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reviewers", type=int, default=20, help=f"at most {MOST_REVIEWERS}")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="default: both")
    parser.add_argument("--think", type=float, default=0.2, help="seconds, by half more or less")
    parser.add_argument("--twice", type=float, default=0.05, help="share of decisions sent twice")
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not 0 < options.reviewers <= MOST_REVIEWERS:
        parser.error(f"--reviewers: expected 1 to {MOST_REVIEWERS}, found {options.reviewers}")
    names = [options.database] if options.database else ["sqlite", "postgresql"]
    load = os.getloadavg()[0]
    faults, parts = 0, []
    for name in names:
        with database(name) as url:
            found, part = measure(name, url, options)
        faults += found
        parts += part
    text = "\n".join([*introduction(options, load), *parts, ""])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 1 if faults else 0


@contextmanager
def database(name: str) -> Iterator[str]:
    """Give an empty database of its own."""
    # A short path that PostgreSQL's own user may enter.
    folder = Path(tempfile.mkdtemp(prefix="claimwire-"))
    try:
        if name == "sqlite":
            yield str(folder / "review.db")
            return
        import pgserver

        server = pgserver.get_server(folder)
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def records(count: int) -> Iterator[dict[str, Any]]:
    """Yield tagged sentences of articles of twenty; what the model says of them is drawn."""
    random = Random(13)
    for number in range(count):
        scores = {label.value: round(random.random(), 4) for label in LABELS}
        best = max(scores, key=lambda label: scores[label])
        yield {
            "article_id": f"article-{number // 20}",
            "sentence_index": number % 20,
            "text": f"Drone number {number} came down in the field behind the depot.",
            "label": best,
            "labels": [best],
            "scores": scores,
            "confidence": scores[best],
            "needs_review": scores[best] < 0.9,
            "truncated": False,
            "model": "none 0.0.0 0123456789ab",
        }


def measure(name: str, url: str, options: argparse.Namespace) -> tuple[int, list[str]]:
    """Let reviewers judge over one database; return the number of faults, and the report."""
    with ReviewStore.open(url) as store:
        assert not import_records(store, records(options.sentences)).problems
        for number in range(options.reviewers):
            add_user(store, f"reviewer-{number}", PASSWORD)
    with serving(url, "--sign-in") as (port, server):
        ready = threading.Barrier(options.reviewers)
        reviewers = [Reviewer(port, one, ready, options) for one in range(options.reviewers)]
        process = psutil.Process(server.pid)
        before, start = spent(process), time.perf_counter()
        psutil.cpu_percent()
        for reviewer in reviewers:
            reviewer.start()
        for reviewer in reviewers:
            reviewer.join()
        busy = psutil.cpu_percent()
        wall = time.perf_counter() - start
        desk, ours = ((now - then) / wall for now, then in zip(spent(process), before, strict=True))
    faults = compared(url, reviewers)
    faults["the desk's exit code"] = server.returncode
    faults["reviewers who stopped early"] = sum(reviewer.broken for reviewer in reviewers)
    others = max(busy / 100 * (os.cpu_count() or 1) - ours, 0.0)
    used = (
        f"Cores in use on average: {desk:.2f} by the desk, {ours:.2f} by desk, database and "
        f"reviewers, {others:.2f} by other work"
        f"{', which makes these numbers worse' if others > 0.2 else ''}."
    )
    seconds = max(one.end for one in reviewers) - min(one.start_time for one in reviewers)
    report = section(name, reviewers, faults, used, seconds)
    return sum(count != 0 for fault, count in faults.items() if fault != "decisions"), report


def spent(server: psutil.Process) -> tuple[float, float]:
    """Return processor seconds: of the desk, and of desk, database and reviewers together."""
    desk = sum(server.cpu_times()[:2])
    found = [one.info for one in psutil.process_iter(["name", "cpu_times"])]
    stored = sum(sum(one["cpu_times"][:2]) for one in found if one["name"] == "postgres")
    return desk, desk + stored + time.process_time()


def compared(url: str, reviewers: Sequence[Reviewer]) -> dict[str, int]:
    """Compare what was acknowledged with what is stored, and verify the chain."""
    with ReviewStore.open(url) as store:
        chain = verify_chain(store)
        sys.stderr.writelines(f"{problem}\n" for problem in chain.problems)
        with store.read() as session:
            rows = list(session.scalars(select(DecisionRow).order_by(DecisionRow.id)))
            stands = session.execute(
                select(QueueRow.sentence_id, QueueRow.needed)
                .join(StandingRow, StandingRow.sentence_id == QueueRow.sentence_id)
                .where(StandingRow.kind.in_(VERDICT_KINDS))
            ).all()
    verdicts = Counter(entry.sentence_id for entry in stands)
    needed = {entry.sentence_id: entry.needed for entry in stands}
    stored = Counter(row.client_key for row in rows)
    noted = {note[0] for reviewer in reviewers for note in reviewer.notes}
    unsure = {key for reviewer in reviewers for key in reviewer.unanswered}
    changed = 0
    for reviewer in reviewers:
        sent = [note for note in reviewer.notes if note[0] in stored]
        found = [
            as_noted(row)
            for row in rows
            if row.reviewer == reviewer.reviewer and row.client_key in noted
        ]
        changed += sum(one != other for one, other in zip(sent, found, strict=False))
        changed += abs(len(sent) - len(found))
    often = {one for one, count in verdicts.items() if count > needed[one]}
    undone = {row.sentence_id for row in rows if row.kind == "undo"}
    numbers = {row.client_key: row.id for row in rows}
    return {
        "decisions": len(noted),
        "lost": len(noted - set(stored)),
        "doubled": sum(stored.values()) - len(set(stored)) + len(set(stored) - noted - unsure),
        "stored otherwise than sent, or in another order": changed,
        "answered with another number than stored": sum(
            ids != {numbers.get(key)} for one in reviewers for key, ids in one.ids.items()
        ),
        "without an acknowledgement": len(unsure),
        "sentences with more verdicts than needed, after an undo": len(often & undone),
        "sentences with more verdicts than needed, otherwise": len(often - undone),
        "problems that the chain's verification found": len(chain.problems),
    }


def as_noted(row: DecisionRow) -> Note:
    """Return a stored decision as the reviewer who sent it notes it."""
    undone = row.revises if row.kind == "undo" else None
    return row.client_key, row.sentence_id, row.kind, tuple(row.labels), undone


def introduction(options: argparse.Namespace, load: float) -> list[str]:
    most = options.reviewers / options.think if options.think else float("inf")
    return [
        "# Reviewers at one desk at once",
        "",
        f"`python benchmarks/review.py`: {options.reviewers} reviewers, signed in, for "
        f"{options.seconds:g} s on each database, over {options.sentences:,} sentences of which a "
        f"tenth takes two reviewers. Each thinks {options.think:g} s before a decision (by half "
        f"more or less), so that all could make {most:.0f} a second if answers took no time; "
        f"{SKIPPED:.0%} are skips, {UNDONE:.0%} are undone and judged again, {options.twice:.0%} "
        f"are sent twice with one key. {os.cpu_count()} cores, which desk, database and reviewers "
        f"share; {load:.1f} processes ran before the start. Milliseconds.",
    ]


def section(
    name: str,
    reviewers: Sequence[Reviewer],
    faults: dict[str, int],
    used: str,
    seconds: float,
) -> list[str]:
    """Return the report on one database."""
    times: dict[str, list[float]] = defaultdict(list)
    statuses: Counter[tuple[str, str]] = Counter()
    for reviewer in reviewers:
        statuses += reviewer.statuses
        for call, found in reviewer.times.items():
            times[call] += found
    bad = {key: count for key, count in statuses.items() if key[1] not in ("200", "303")}
    made = faults["decisions"]
    lines = [
        *("", f"## {'SQLite' if name == 'sqlite' else 'PostgreSQL'}", ""),
        f"**{made:,} decisions acknowledged, {made / seconds:.1f} a second.** {used}",
        *("", "| | |", "|---|---:|"),
        *(f"| {fault} | {count:,} |" for fault, count in faults.items() if fault != "decisions"),
        f"| answers of 400 to 499 | {sum(n for (_, s), n in bad.items() if s[0] == '4')} |",
        f"| answers of 500 and above | {sum(n for (_, s), n in bad.items() if s[0] == '5')} |",
        f"| requests without an answer | {sum(n for (_, s), n in bad.items() if s.isalpha())} |",
        *("", *HEAD),
    ]
    for call, found in sorted(times.items()):
        p50, p95, p99 = np.percentile(found, [50, 95, 99])
        numbers = f"{p50:.1f} | {p95:.1f} | {p99:.1f} | {max(found):.1f}"
        lines.append(f"| `{call}` | {len(found):,} | {numbers} |")
    details = [f"{call}: {status} ({count})" for (call, status), count in sorted(bad.items())]
    lines += ["", "Not as wished: " + "; ".join(details) + "."] if details else []
    return lines


if __name__ == "__main__":
    sys.exit(main())
