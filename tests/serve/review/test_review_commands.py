"""``claimwire review`` as it is called: every command, on real files and a real release."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from claimwire.cli import app
from claimwire.data.documents import read_records
from claimwire.serve.review.chain import verify_chain
from claimwire.serve.review.queues import Filter, QueueName, next_items
from claimwire.serve.review.store import ReviewStore
from claimwire.serve.review.users import check_password

from .out_support import ATTACK, BACKGROUND, in_article, judge, sentence_ids, tagged

ARTICLE = (
    "Two drones struck the fuel depot at Maresk before dawn on Monday. Air defence crews shot "
    "down a third one over the river.\n\nThe port handles most of the country's grain.\n"
)
STRUCK = "Two drones struck the fuel depot at Maresk before dawn on Monday."
SHOT = "Air defence crews shot down a third one over the river."
PORT = "The port handles most of the country's grain."

Review = Callable[..., Result]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAIMWIRE_REVIEW_DB", raising=False)


@pytest.fixture
def review() -> Review:
    """Call ``claimwire review`` with arguments; the database is the default one."""

    def run(*arguments: object, code: int = 0, **more: Any) -> Result:
        result = CliRunner().invoke(app, ["review", *map(str, arguments)], **more)
        assert result.exit_code == code, result.output
        return result

    return run


def write_lines(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def tag(path: Path, output: Path) -> Path:
    result = CliRunner().invoke(app, ["tag", str(path), "-o", str(output), "--threads", "1"])
    assert result.exit_code == 0, result.output
    return output


def texts() -> list[str]:
    with ReviewStore.open(create=False) as store:
        return sorted(sentence_ids(store))


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "depot.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def test_tagged_records_are_taken_as_they_are(review: Review, article: Path) -> None:
    records = tag(article, Path("tagged.jsonl"))
    said = review("import", records, "--random-share", 1).stderr
    assert "3 new sentences of 1 new article, 3 of them in the random stratum" in said
    again = review("import", records).stderr
    assert "0 new sentences of 0 new articles" in again
    assert "3 sentences there already" in again
    assert texts() == sorted([STRUCK, SHOT, PORT])


def test_an_article_is_tagged_on_the_way_to_the_same_sentences(
    review: Review, article: Path
) -> None:
    review("import", tag(article, Path("tagged.jsonl")))
    said = review("import", article, "--threads", 1).stderr
    assert "0 new sentences" in said
    assert "0 new predictions, 3 sentences there already" in said


def test_records_of_articles_keep_their_fields(review: Review) -> None:
    record = {"id": "w-9", "text": ARTICLE, "title": "Depot", "theatre": "fictional", "source": "x"}
    review("import", write_lines(Path("articles.jsonl"), record))
    with ReviewStore.open() as store:
        judge(store, STRUCK, ATTACK)
    review("export", "-o", "out.jsonl")
    (found,) = read_records(Path("out.jsonl"))
    assert (found.doc_id, found.theatre, found.source) == ("w-9", "fictional", "x")


def test_sentences_can_be_imported_alone(review: Review) -> None:
    Path("lines.txt").write_text(f"{STRUCK}\n{PORT}\n", encoding="utf-8")
    said = review("import", "lines.txt", "--unit", "sentence", "--threads", 1).stderr
    assert "2 new sentences of 2 new articles" in said


def test_suspected_labels_have_a_queue(review: Review) -> None:
    suspect = {"given": [BACKGROUND], "suggested": ATTACK}
    write_lines(
        Path("suspects.jsonl"),
        {"id": "a", "text": PORT, **suspect, "score": 0.25},
        {"id": "b", "text": STRUCK, **suspect, "score": 0.75},
    )
    review("import", "suspects.jsonl", "--unit", "sentence", "--threads", 1)
    with ReviewStore.open() as store:
        items = next_items(store, Filter(QueueName.NOISE), "mara")
    assert [item.text for item in items] == [STRUCK, PORT]


def test_a_folder_of_everything_is_taken_and_what_fails_is_named(
    review: Review, article: Path
) -> None:
    folder = Path("in")
    folder.mkdir()
    article.rename(folder / "b.txt")
    write_lines(folder / "a.jsonl", *in_article("w-1", ("A shell fell on the quay.", ATTACK)))
    write_lines(folder / "c.jsonl", tagged("A gull sat there."), {"text": "not tagged"})
    (folder / "d.html").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    said = review("import", folder, code=1).stderr
    assert "5 new sentences" in said
    assert re.search(r"error: in/c\.jsonl:2: expected a tagged record like those before it", said)
    assert "error: in/d.html: expected text" in said


def test_standard_input_is_looked_at_and_then_read(review: Review) -> None:
    lines = json.dumps(tagged(STRUCK)) + "\n" + json.dumps(tagged(PORT)) + "\n"
    assert "2 new sentences" in review("import", "-", input=lines).stderr
    assert "3 new sentences" in review("import", "-", input=ARTICLE).stderr


def test_an_article_has_the_same_name_whatever_it_comes_with(review: Review) -> None:
    write_lines(Path("a.jsonl"), {"text": ARTICLE})
    write_lines(Path("b.jsonl"), {"text": "A shell fell on the quay."})
    review("import", "a.jsonl")
    assert "1 new sentence of 1 new article" in review("import", "b.jsonl", "a.jsonl").stderr


def test_tagged_csv_is_refused(review: Review, article: Path) -> None:
    said = review("import", tag(article, Path("tagged.csv")), code=2).stderr
    assert "found tagged CSV" in said


def test_problems_of_records_are_named(review: Review) -> None:
    wrong = tagged(STRUCK, confidence=7)
    write_lines(Path("tagged.jsonl"), wrong, tagged(PORT))
    said = review("import", "tagged.jsonl", code=1).stderr
    assert "error: record 1: 'confidence': expected a number from 0 to 1" in said
    assert texts() == [PORT]


def test_commands_want_a_database_that_is_there(review: Review) -> None:
    for command in (["verify"], ["estimate"], ["export"], ["backup", "b.db"], ["replay", "base"]):
        assert "found no such file" in review(*command, code=2).stderr
    assert not Path("artifacts").exists()


@pytest.fixture
def judged(review: Review, article: Path) -> None:
    """Three sentences, two of them judged by mara."""
    review("import", article, "--random-share", 1, "--threads", 1)
    with ReviewStore.open() as store:
        judge(store, STRUCK, ATTACK)
        judge(store, PORT, BACKGROUND)


@pytest.mark.usefixtures("judged")
def test_the_database_may_be_named(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("artifacts/review.db").rename("other.db")
    review("verify", code=2)
    assert "2 decisions" in review("verify", "--db", "other.db").stdout
    monkeypatch.setenv("CLAIMWIRE_REVIEW_DB", "sqlite:///other.db")
    assert "2 decisions" in review("verify").stdout


def test_every_command_works_on_postgresql(
    review: Review, new_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_postgresql()
    monkeypatch.setenv("CLAIMWIRE_REVIEW_DB", url)
    write_lines(Path("tagged.jsonl"), tagged(STRUCK, [ATTACK]), tagged(PORT))
    review("import", "tagged.jsonl", "--random-share", 1)
    assert "2 sentences there already" in review("import", "tagged.jsonl").stderr
    with ReviewStore.open(url) as store:
        judge(store, STRUCK, ATTACK)
    assert "1 decision, nothing was changed" in review("verify").stdout
    assert json.loads(review("estimate", "--format", "json").stdout)["sample"] == 1
    review("export", "-o", "out.jsonl")
    assert [record.text for record in read_records(Path("out.jsonl"))] == [STRUCK]
    assert "pg_dump" in review("backup", "copy.db", code=2).stderr


@pytest.mark.usefixtures("judged")
def test_verify_knows_an_earlier_head(review: Review) -> None:
    result = review("verify")
    assert result.stdout.startswith("ok  sqlite:///artifacts/review.db: 2 decisions, nothing")
    head = result.stdout.split()[-1]
    review("verify", "--expect-head", head, "--expect-count", 2)
    with ReviewStore.open() as store:
        judge(store, SHOT, BACKGROUND)
    review("verify", "--expect-head", head, "--expect-count", 2)
    assert "FAILED" in review("verify", "--expect-head", "0" * 64, code=1).stdout
    review("verify", "--expect-count", 9, code=1)


@pytest.mark.usefixtures("judged")
def test_verify_detects_one_changed_byte(review: Review) -> None:
    with closing(sqlite3.connect("artifacts/review.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE decisions SET note = 'x' WHERE id = 1")
        connection.commit()
    result = review("verify", code=1)
    assert re.search(r"^FAILED .*decision 1\b", result.stdout, re.M)
    assert "ok " not in result.stdout


@pytest.mark.usefixtures("judged")
def test_a_backup_is_a_database_with_the_same_decisions(review: Review) -> None:
    assert "copy.db written and verified" in review("backup", "copy.db").stderr
    with ReviewStore.open("copy.db", create=False) as copy, ReviewStore.open() as store:
        assert verify_chain(copy) == verify_chain(store)


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("output_format", "file"),
    [
        ("corpus", "reviewed.jsonl"),
        ("jsonl", "decisions.jsonl"),
        ("csv", "decisions.csv"),
        ("label-studio", "label-studio.json"),
    ],
)
def test_exports_have_a_place(review: Review, output_format: str, file: str) -> None:
    said = review("export", "--format", output_format).stderr
    assert f"artifacts/review/{file}: 2 " in said
    assert Path("artifacts/review", file).is_file()
    assert "mara" not in Path("artifacts/review", file).read_text(encoding="utf-8")
    review("export", "--format", output_format, "--names", "-o", "named")


@pytest.mark.usefixtures("judged")
def test_an_export_says_what_it_leaves_out(review: Review) -> None:
    with ReviewStore.open() as store:
        judge(store, SHOT, kind="skip", reason="needs the map")
        judge(store, PORT, kind="not_a_sentence")
    said = review("export").stderr
    assert "1 record written, 1 left out as only skipped, 1 left out as no sentence" in said


@pytest.mark.usefixtures("judged")
def test_estimates_as_table_and_json(review: Review) -> None:
    table = review("estimate").stdout
    assert re.search(r"attack_claim +precision +1\.000 +0\.207 to 1\.000 +1/1", table)
    assert "from 2 judged sentences; 1 of the stratum open" in table
    found = json.loads(review("estimate", "--format", "json", "--half-width", "0.1").stdout)
    assert (found["sample"], found["open"], found["half_width"]) == (2, 1, 0.1)
    assert len(found["estimates"]) == 8
    review("estimate", "--release", "nobody's", code=2)
    review("estimate", "--half-width", "0.7", code=2)


@pytest.mark.usefixtures("judged")
def test_replay_as_table_json_and_list(review: Review) -> None:
    with ReviewStore.open() as store:
        judge(store, SHOT, BACKGROUND)
    table = review("replay", "shipped", code=2)
    from claimwire.model.references import resolve_release

    shipped = resolve_release(None)
    table = review("replay", shipped, "--output", "list.jsonl")
    assert "on 3 judged sentences" in table.stdout
    assert "still wrong (was wrong, is wrong)" in table.stdout
    assert SHOT in table.stdout
    assert "--trained-on" in table.stdout
    lines = [json.loads(line) for line in Path("list.jsonl").read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["still_right", "still_wrong", "still_right"]
    review("export", "-o", "out.jsonl")
    found = review("replay", shipped, "--format", "json", "--trained-on", "out.jsonl").stdout
    figures = json.loads(found)
    assert figures["outcomes"]["all"]["still_right"] == 2
    assert figures["outcomes"]["not_trained_on"]["still_right"] == 0


def test_users_come_and_go(review: Review) -> None:
    Path("secret").write_text("correct horse\nbattery", encoding="utf-8")
    review("user", "add", "olu", "--role", "admin", "--password-file", "secret")
    review("user", "disable", "olu", code=2)  # the last one
    review("user", "add", "mara", "--role", "admin", "--password-file", "secret")
    review("user", "add", "mara", "--password-file", "secret", code=2)
    assert re.search(r"mara +│ admin +│ yes", review("user", "list").stdout)
    with ReviewStore.open() as store:
        assert check_password(store, "mara", "correct horse")
    Path("secret").write_text("another horse", encoding="utf-8")
    review("user", "password", "mara", "--password-file", "secret")
    with ReviewStore.open() as store:
        assert not check_password(store, "mara", "correct horse")
        assert check_password(store, "mara", "another horse")
    review("user", "disable", "mara")
    assert re.search(r"mara +│ admin +│ no", review("user", "list").stdout)
    review("user", "enable", "mara")
    with ReviewStore.open() as store:
        assert check_password(store, "mara", "another horse")
    review("user", "role", "mara", "adjudicator")
    assert re.search(r"mara +│ adjudicator +│ yes", review("user", "list").stdout)
    given = review("user", "reset", "mara").stdout.strip()
    with ReviewStore.open() as store:
        user = check_password(store, "mara", given)
        assert user is not None
        assert user.must_change
    for command in ("disable", "enable"):
        assert "found none" in review("user", command, "nobody", code=2).stderr


def test_a_password_is_never_an_argument(review: Review) -> None:
    assert "give --password-file" in review("user", "add", "mara", code=2).stderr
    assert (
        "--password-file nowhere"
        in review("user", "add", "mara", "--password-file", "nowhere", code=2).stderr
    )
    Path("short").write_text("short", encoding="utf-8")
    review("user", "add", "mara", "--password-file", "short", code=2)


def test_wrong_words_are_refused(review: Review) -> None:
    assert "No such command 'nonsense'" in review("nonsense", code=2).stderr
    assert "No such option" in review("--nonsense", code=2).stderr


def test_without_the_extra_the_message_names_it() -> None:
    program = (
        "import sys\nsys.modules['sqlalchemy'] = None\n"
        "from claimwire.cli import main\nsys.argv = ['claimwire', 'review', 'verify']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'claimwire[review]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("judged")
def test_without_a_command_it_serves() -> None:
    command = Path(sys.executable).parent / "claimwire"
    process = subprocess.Popen(
        [command, "review", "--port", "0", "--no-browser", "--reviewer", "mara"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/ \(you are mara", line)
        assert found, line + process.stderr.read()
        with closing(http.client.HTTPConnection("127.0.0.1", int(found[1]))) as connection:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_public_address_needs_users(review: Review) -> None:
    said = review("serve", "--host", "0.0.0.0", "--no-browser", code=2).stderr
    assert "claimwire review user add NAME" in said
    said = review("--host", "0.0.0.0", "--no-sign-in", code=2).stderr
    assert "expected sign-in for an address that other machines" in said
