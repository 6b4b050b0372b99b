from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime

SENTENCES = [
    "Two drones hit the depot on Friday, the governor said.",
    "Air defences shot down a missile over the bay.",
    "No group has claimed the attack.",
    "The minister spoke about trade and the price of bread in the north of the country.",
    "",
    "Yes.",
]


@pytest.fixture(scope="module")
def runtime(tiny_release: Path) -> Runtime:
    return Runtime(load_release(tiny_release), threads=1)


def test_order_is_kept_whatever_the_lengths(runtime: Runtime) -> None:
    alone = [runtime.predict([sentence])[0] for sentence in SENTENCES]
    together = runtime.predict(SENTENCES)
    assert [d.labels for d in together] == [d.labels for d in alone]
    assert len({d.confidence for d in together}) > 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=300), min_size=1, max_size=12))
def test_results_do_not_depend_on_batch_mates(runtime: Runtime, texts: list[str]) -> None:
    mixed, _ = runtime.logits([*texts, *SENTENCES])
    for index, text in enumerate(texts):
        alone, _ = runtime.logits([text])
        np.testing.assert_allclose(mixed[index], alone[0], atol=1e-3)


def test_nothing_in_nothing_out(runtime: Runtime) -> None:
    assert runtime.predict([]) == []


def test_long_text_is_cut_and_flagged(runtime: Runtime) -> None:
    limit = runtime.release.manifest.max_length
    logits, truncated = runtime.logits(["x " * (limit - 2), "x " * (limit - 1), "x " * 4_000_000])
    assert truncated.tolist() == [False, True, True]
    np.testing.assert_allclose(logits[1], logits[2], atol=1e-3)
    assert runtime.predict(["x " * limit])[0].needs_review


def test_thousands_of_sentences_come_back_in_order(runtime: Runtime) -> None:
    numbered = [f"Report {n} of the day. " + "More was said. " * (n % 7) for n in range(3000)]
    logits, _ = runtime.logits(numbered)
    for index in (0, 1, 1499, 2048, 2999):
        alone, _ = runtime.logits([numbered[index]])
        np.testing.assert_allclose(logits[index], alone[0], atol=1e-3)


def test_threads_change_nothing_but_the_time(runtime: Runtime, tiny_release: Path) -> None:
    texts = [f"Report {n}. " + "More was said of it. " * (n % 9) for n in range(400)]
    several = Runtime(load_release(tiny_release), threads=3)
    for count in (400, 30, 2, 1):  # many batches, fewer than threads, one
        expected, _ = runtime.logits(texts[:count])
        found, _ = several.logits(texts[:count])
        np.testing.assert_array_equal(found, expected)


def test_a_runtime_works_on_after_a_fork(tiny_release: Path) -> None:
    """Threads stay behind at a fork: whoever waited for them would wait for ever."""
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from claimwire.model.release import load_release\n"
        "from claimwire.model.runtime import Runtime\n"
        "runtime = Runtime(load_release(Path(sys.argv[1])), threads=2)\n"
        "texts = ['Two drones hit the depot. ' * 5] * 100\n"
        "before = runtime.predict(texts)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if runtime.predict(texts) == before else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tiny_release)], timeout=60)
    assert done.returncode == 0
