from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from claimwire.data.composed import Sentence, sentences
from claimwire.data.errors import InputError
from claimwire.data.shared_runs import default_real_text, shared_runs

from .composed_support import placed

OWN = "The brigade said that its gunners had fired on the depot from the ridge."
RUN = "its gunners had fired on the depot from"


def corpus(*texts: str) -> list[Sentence]:
    return list(sentences([placed("d", [(text, "background") for text in texts])]))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", f"# News\n\nOn Friday **Its gunners had fired**\non the depot, from {RUN}"),
        ("a.txt", f"He said {RUN.upper()}!"),
        ("a.csv", f'1,"They said ""{RUN}"" twice"\n'),
        ("a.jsonl", json.dumps({"text": f"Now {RUN} there."})),
        ("a.jsonl", json.dumps({"sentences": None, "text": RUN})),
        ("a.jsonl", f"{'9' * 5_000}\n{'[' * 100_000}\n" + json.dumps({"text": RUN})),
        ("a.jsonl", 'no JSON\n[]\n{"text": 5}\n' + json.dumps({"sentences": [{"text": RUN}]})),
    ],
)
def test_eight_words_in_a_row_are_found_however_they_are_written(
    tmp_path: Path, name: str, content: str
) -> None:
    path = write(tmp_path / name, content)
    (problem,), read = shared_runs(corpus("It rained.", OWN), [tmp_path])
    assert f"with {path}: write it anew" in problem.message
    assert problem.where == ("train/own.jsonl:1 sentences[1]",)
    assert problem.fails
    assert (read.files, read.skipped) == (1, 0)


def test_seven_words_are_anybodys(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "gunners had fired on the depot from the ridge no more")
    assert len(shared_runs(corpus(OWN), [path])[0]) == 1
    path = write(tmp_path / "a.txt", "gunners had fired on the depot from a hill")
    assert shared_runs(corpus(OWN), [path])[0] == []


def test_a_run_does_not_go_over_the_end_of_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a b c d e f g h")
    assert shared_runs(corpus("a b c d.", "e f g h."), [path])[0] == []


def test_a_sentence_is_named_once_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", f"{OWN}\n{OWN}")
    other = write(tmp_path / "b.txt", OWN)
    assert len(shared_runs(corpus(OWN), [path, other])[0]) == 2


def test_zipped_tokens_are_put_together(tmp_path: Path) -> None:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["Sentence #", "Word"])
    for number, token in enumerate(OWN.replace(".", " .").split()):
        rows.writerow(["Sentence: 1" if number == 0 else "", token])
    with zipfile.ZipFile(tmp_path / "tokens.csv.zip", "w") as archive:
        archive.writestr("ner_dataset.csv", table.getvalue())
    problems, read = shared_runs(corpus(OWN), [tmp_path])
    assert (len(problems), read.files) == (1, 1)


def test_what_nobody_can_read_is_counted(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    (tmp_path / "broken.zip").write_bytes(b"PK")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", OWN)
    problems, read = shared_runs(corpus(OWN), [tmp_path])
    assert (problems, read.files, read.words, read.skipped) == ([], 0, 0, 3)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected real text, found nothing"):
        shared_runs(corpus(OWN), [tmp_path / "nowhere"])


def test_default_text_is_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAIMWIRE_SHARED", raising=False)
    assert default_real_text() == []
    (tmp_path / "artifacts" / "corpus" / "real").mkdir(parents=True)
    (tmp_path / "shared" / "real-dev").mkdir(parents=True)
    monkeypatch.setenv("CLAIMWIRE_SHARED", str(tmp_path / "shared"))
    assert default_real_text() == [
        tmp_path / "shared" / "real-dev",
        Path("artifacts/corpus/real"),
    ]
