"""The command as a process: streams that are closed or full, and Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CLAIMWIRE = f"{sys.executable} -m claimwire"


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("A shell fell on the depot at Maresk before dawn.\n")
    return path


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)


def test_without_standard_error_it_works(article: Path, tiny_release: Path) -> None:
    out = article.with_name("out.jsonl")
    assert shell(f"{CLAIMWIRE} tag {article} -m {tiny_release} -o {out} 2>&-").returncode == 0
    [record] = map(json.loads, out.read_text().splitlines())
    assert record["text"] == article.read_text().strip()


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("tag {article} -m {release} >&-", 2, "standard output: expected to write there"),
        ("tag - -m {release} <&-", 1, "stdin: expected a readable file"),
        ("tag {article} -m {release} >/dev/full", 2, "No space left"),
        ("models show {release} >/dev/full", 2, "No space left on device: free space where"),
        ("models verify {release} >/dev/full", 2, "No space left"),
        ("explain 'A shell fell.' -m {release} >/dev/full", 2, "No space left"),
        ("tag {article} -m {release} -o {loop}", 2, "a symbolic link that leads to itself"),
        ("tag {article} -m {release} -o {long}", 2, "File name too long"),
    ],
)
def test_streams_and_paths_that_cannot_be_used_get_a_message(
    article: Path, tiny_release: Path, command: str, code: int, message: str
) -> None:
    loop = article.with_name("loop.txt")
    loop.symlink_to(loop)
    given = command.format(article=article, release=tiny_release, loop=loop, long="x" * 300)
    found = shell(f"{CLAIMWIRE} {given}")
    assert found.returncode == code, found.stderr
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_an_error_of_the_system_is_not_taken_for_one_of_standard_output(tmp_path: Path) -> None:
    program = (
        "import typer\nfrom claimwire.cli import app, main\n"
        "@app.command()\ndef fail():\n    print('done so far')\n"
        "    raise ConnectionRefusedError(111, 'Connection refused')\n"
        "import sys; sys.argv = ['claimwire', 'fail']; main()\n"
    )
    out = tmp_path / "out.txt"
    with out.open("w") as stream:
        found = subprocess.run(
            [sys.executable, "-c", program], stdout=stream, stderr=subprocess.PIPE, text=True
        )
    assert found.returncode == 2
    assert found.stderr == (
        "claimwire: error: expected to go on, the system said: Connection refused\n"
    )
    assert out.read_text() == "done so far\n"


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path, tiny_release: Path, times: int) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        "".join(json.dumps({"text": f"Shell {n} fell."}) + "\n" for n in range(200_000))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "claimwire", "tag", source, "-m", tiny_release, "-o", out],
        stderr=subprocess.PIPE,
        text=True,
        # Who starts the tests in the background may have had it ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    partial = tmp_path / "out.jsonl.partial"
    while not (partial.exists() and partial.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in ((130,) if times == 1 else (130, -signal.SIGINT))
    assert "Traceback" not in errors
    assert "terminate" not in errors
    assert not out.exists()
    assert partial.exists()
