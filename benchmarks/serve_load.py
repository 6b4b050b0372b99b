"""Load on a real ``claimwire serve``: many clients at once for a while, and what they saw.

Run from the repository's root, with the extra [serve] installed::

    python benchmarks/serve_load.py                  # 50 clients, 60 seconds
    python benchmarks/serve_load.py --seconds 10 --clients 8

Each client keeps one connection and sends its next request when the last one is answered:
mostly a few sentences to ``/v1/tag-sentences``, every tenth time the sample article to ``/v1/tag``.
Server and clients share the processors, so the latencies are those of a loaded machine. Exits with
1 where an answer was 500 or above, or a request was not answered at all.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from claimwire.data.segment import segment

ROOT = Path(__file__).parents[1]
ARTICLE = (ROOT / "data/samples/article.txt").read_text(encoding="utf-8")
SENTENCES = [span.text for span in segment(ARTICLE).sentences]
QUANTILES = (0.5, 0.95, 0.99)


@dataclass
class Seen:
    """What one client saw.

    Attributes:
        statuses: answers by status.
        seconds: latency of each answer.
        sentences: sentences tagged.
        failures: requests without an answer, by kind of error.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    sentences: int = 0
    failures: Counter[str] = field(default_factory=Counter)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", help="a release; default: the shipped one")
    options = parser.parse_args()
    server, port = start(options.model)
    try:
        seen = load(port, options.clients, options.seconds)
        metrics = fetch_metrics(port)
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait()
    return report(seen, metrics, options.clients, options.seconds, code)


def start(model: str | None) -> tuple[subprocess.Popen[str], int]:
    """Start the console command on a free port and wait for its announcement."""
    command = [Path(sys.executable).parent / "claimwire", "serve", "--port", "0"]
    command += ["--model", model] if model else []
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    for line in server.stderr:
        print(line, end="")
        if match := re.search(r"at http://127\.0\.0\.1:(\d+)", line):
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return server, int(match[1])
    raise SystemExit("the server did not start")


def load(port: int, clients: int, seconds: float) -> list[Seen]:
    """Let the clients run, all from the same moment on."""
    seen = [Seen() for _ in range(clients)]
    ready = threading.Barrier(clients)
    threads = [
        threading.Thread(target=run_client, args=(port, number, seconds, ready, seen[number]))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def run_client(
    port: int, number: int, seconds: float, ready: threading.Barrier, seen: Seen
) -> None:
    random = Random(number)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    ready.wait()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if random.random() < 0.1:
            path, value, count = "/v1/tag", {"text": ARTICLE}, len(SENTENCES)
        else:
            count = random.randint(1, 4)
            path, value = "/v1/tag-sentences", {"sentences": random.sample(SENTENCES, count)}
        started = time.perf_counter()
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(value), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            seen.failures[type(error).__name__] += 1
            connection.close()
            continue
        seen.seconds.append(time.perf_counter() - started)
        seen.statuses[answer.status] += 1
        seen.sentences += count if answer.status == 200 else 0
    connection.close()


def fetch_metrics(port: int) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def report(
    seen: list[Seen], metrics: dict[str, float], clients: int, seconds: float, code: int
) -> int:
    """Print what was seen; return 1 where something was lost or failed."""
    statuses = sum((one.statuses for one in seen), Counter[int]())
    failures = sum((one.failures for one in seen), Counter[str]())
    latencies = sorted(second for one in seen for second in one.seconds)
    requests = len(latencies)
    sentences = sum(one.sentences for one in seen)
    batches = metrics.get("claimwire_batch_sentences_count", 0) or 1
    print(f"clients            {clients}")
    print(f"seconds            {seconds:g}")
    print(f"requests           {requests} ({requests / seconds:.1f} a second)")
    print(f"sentences          {sentences} ({sentences / seconds:.1f} a second)")
    print(f"sentences a batch  {metrics.get('claimwire_batch_sentences_sum', 0) / batches:.1f}")
    print(f"memory             {metrics.get('process_resident_memory_bytes', 0) / 2**20:.0f} MiB")
    print("statuses           " + ", ".join(f"{s}: {n}" for s, n in sorted(statuses.items())))
    print("without an answer  " + (", ".join(f"{k}: {n}" for k, n in failures.items()) or "0"))
    if latencies:
        for quantile in QUANTILES:
            latency = latencies[min(int(quantile * requests), requests - 1)]
            print(f"p{100 * quantile:g}                {1_000 * latency:.0f} ms")
    print(f"exit code          {code}")
    lost = sum(n for status, n in statuses.items() if status >= 500) + sum(failures.values())
    return 1 if lost or code or not requests else 0


if __name__ == "__main__":
    sys.exit(main())
