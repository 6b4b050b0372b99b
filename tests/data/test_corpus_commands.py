from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from claimwire.data.commands import check, stats
from claimwire.data.composed_checks import CheckOptions
from claimwire.data.corpus import corpus_digest, load_examples
from claimwire.data.errors import ConfigError, CorpusError, InputError
from claimwire.data.standoff_labels import sentence_digest, write_json_lines
from claimwire.data.stats import UNKNOWN, corpus_stats

FIXTURES = Path(__file__).parent / "fixtures"
OWN_RECORDS = FIXTURES / "own-records.jsonl"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "own-corpus", tmp_path / "corpus"))


def copy_document(source: Path, target: Path, doc_id: str | None = None) -> None:
    value = json.loads(source.read_text(encoding="utf-8").splitlines()[0])
    if doc_id is not None:
        value["doc_id"] = doc_id
    target.write_text(json.dumps(value) + "\n", encoding="utf-8")


def test_check_passes_on_the_committed_corpus(capsys: Capture) -> None:
    assert check(None, []) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == (
        f"ok  {len(load_examples()):,} sentences in "
        f"{corpus_stats(load_examples()).total.documents} documents: every rule holds"
    )
    assert "FAILED" not in printed


def test_check_passes_on_a_small_corpus_with_extra(corpus: Path, capsys: Capture) -> None:
    assert check(corpus, [OWN_RECORDS]) == 0
    assert "ok  22 sentences in 8 documents" in capsys.readouterr().out


def test_check_fails_on_a_wrong_label_and_names_its_place(corpus: Path, capsys: Capture) -> None:
    path = corpus / "train" / "a.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("attribution_inference", "attribution"), encoding="utf-8")
    assert check(corpus, []) == 1
    printed = capsys.readouterr().out
    assert "FAILED  schema and labels" in printed
    assert f"{path}:1: sentences[3].labels: unknown label 'attribution'" in printed
    assert "did you mean attribution_inference?" in printed


def test_check_fails_on_duplicates_across_splits(corpus: Path, capsys: Capture) -> None:
    copy_document(corpus / "train" / "a.jsonl", corpus / "test" / "copy.jsonl", "another")
    assert check(corpus, []) == 1
    printed = capsys.readouterr().out
    assert "FAILED  equal in train and test: 'Guns on the ridge fired" in printed
    assert "      train/a.jsonl:1 sentences[1]\n      test/copy.jsonl:1 sentences[1]\n" in printed
    assert printed.splitlines()[-1].endswith(": exact duplicates across splits")


def test_check_fails_on_a_document_in_two_splits(corpus: Path, capsys: Capture) -> None:
    copy_document(corpus / "train" / "a.jsonl", corpus / "test" / "copy.jsonl")
    assert check(corpus, []) == 1
    assert "FAILED  'tarn-1' is in train and test" in capsys.readouterr().out


def test_check_fails_on_extra_data_that_repeats_the_test_split(
    corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    extra = tmp_path / "extra.jsonl"
    text = "Nobody has admitted to laying the charges under the bridge!"
    extra.write_text(
        json.dumps({"text": text, "labels": ["attribution_inference"]}) + "\n", encoding="utf-8"
    )
    assert check(corpus, [extra]) == 1
    printed = capsys.readouterr().out
    assert "FAILED  equal in test and train" in printed
    assert f"      test/c.jsonl:1 sentences[1]\n      {extra}:1\n" in printed


def test_check_lists_twenty_findings_of_a_rule(
    corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    lines = [
        json.dumps(
            {"text": f"Outpost {n} was hit on day {n}.", "labels": ["attack_claim"], "split": s}
        )
        for n in range(23)
        for s in ("train", "test")
    ]
    extra = tmp_path / "extra.jsonl"
    extra.write_text("\n".join(lines), encoding="utf-8")
    assert check(corpus, [extra]) == 1
    printed = capsys.readouterr().out
    assert printed.count("FAILED  equal in") == 20
    assert "  ... and 3 more\n" in printed


def test_markup_in_a_sentence_is_printed_as_it_is(
    corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    extra = tmp_path / "extra.jsonl"
    text = "[red]Guards[/red] of the :fire: post [sic] fired back [/nothing]."
    lines = [
        json.dumps({"text": text, "labels": ["background"], "split": s}) for s in ("train", "test")
    ]
    extra.write_text("\n".join(lines), encoding="utf-8")
    assert check(corpus, [extra]) == 1
    assert text in capsys.readouterr().out


def test_check_fails_on_words_of_real_text(corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    real = tmp_path / "real.txt"
    real.write_text("And so guns on the ridge fired on the Tarn dairy again.", encoding="utf-8")
    assert check(corpus, [], CheckOptions(against=[real])) == 1
    printed = capsys.readouterr().out
    assert f"FAILED  shares 'guns on the ridge fired on the tarn' with {real}" in printed
    assert "      train/a.jsonl:1 sentences[1]\n" in printed


def test_check_fails_on_labels_that_are_not_the_outcome(corpus: Path, capsys: Capture) -> None:
    folder = corpus.parent / "annotations"
    value = json.loads((corpus / "train" / "a.jsonl").read_text(encoding="utf-8").splitlines()[0])
    annotation = {
        "doc_id": value["doc_id"],
        "sentence": 1,
        "digest": sentence_digest(value["sentences"][1]["text"]),
        "author": ["background"],
        "first": ["background"],
    }
    write_json_lines(folder / "train.jsonl", [annotation])
    assert check(corpus, []) == 1
    printed = capsys.readouterr().out
    assert "bears attack_claim, its annotations came to background: mend one" in printed
    assert check(corpus, [], CheckOptions(annotations=corpus)) == 0


def test_check_says_what_it_did_not_look_at(
    corpus: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    monkeypatch.delenv("CLAIMWIRE_SHARED", raising=False)
    assert check(corpus, []) == 0
    printed = capsys.readouterr().out
    assert "eight words of real text: not looked at, because no real text is here" in printed
    assert "labels as annotated: not looked at, because there are no annotations" in printed
    assert "balance of the sides: not looked at, because no document tells two parties" in printed


def test_missing_corpus_and_extra_are_wrong_usage(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        check(tmp_path / "nowhere", [])
    assert caught.value.exit_code == 2
    with pytest.raises(InputError, match=r"gone\.jsonl"):
        stats(corpus, [tmp_path / "gone.jsonl"], "table")


def test_stats_prints_one_json_object(corpus: Path, capsys: Capture) -> None:
    assert stats(corpus, [OWN_RECORDS], "json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    whole = json.loads(line)
    assert whole["digest"] == corpus_digest(corpus, [OWN_RECORDS])
    assert list(whole) == ["digest", "total", "splits", "theatres", "genres", "sources"]
    assert whole["splits"]["validation"] == {
        "documents": 2,
        "sentences": 4,
        "labels": {
            "attack_claim": 1,
            "interception_claim": 3,
            "attribution_inference": 0,
            "background": 1,
        },
        "primary": {
            "attack_claim": 1,
            "interception_claim": 2,
            "attribution_inference": 0,
            "background": 1,
        },
        "by_split": {"train": 0, "validation": 4, "test": 0},
        "two_label_share": 0.25,
        "hard_share": 0.25,
        "mean_words": 11.25,
    }
    assert whole["genres"][UNKNOWN]["sentences"] == 12
    assert whole["sources"]["own-wire"]["documents"] == 3


def test_stats_prints_tables(corpus: Path, capsys: Capture) -> None:
    assert stats(corpus, [], "table") == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line.strip() for line in lines if line.startswith("By ")]
    assert titles == ["By split", "By theatre", "By genre"]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert rows["all"] == ["4", "10", "3", "2", "2", "3", "0%", "20%", "8.8"]
    assert rows["fictional"] == ["2", "6", "6", "0", "0", "2", "0", "1", "3", "0%", "17%", "9.0"]
    assert lines[-1] == f"digest {corpus_digest(corpus)}"


def test_stats_prints_the_same_tables_in_markdown(corpus: Path, capsys: Capture) -> None:
    assert stats(corpus, [], "markdown") == 0
    printed = capsys.readouterr().out
    assert "**By split**\n\n| split | docs | sent | att | int |" in printed
    assert "| all | 4 | 10 | 3 | 2 | 2 | 3 | 0% | 20% | 8.8 |" in printed
    assert "| train | 9.0 | 4 | 5 | 10 | 12 | 14 |" in printed
    assert "Sides" not in printed
    assert "Agreement" not in printed


def test_stats_tables_fit_a_terminal(capsys: Capture) -> None:
    assert stats(None, [], "table") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "…" not in "".join(lines)
    assert any(line.startswith("militia-statement") for line in lines)


def test_stats_adds_the_sources_where_there_are_several(corpus: Path, capsys: Capture) -> None:
    assert stats(corpus, [OWN_RECORDS], "table") == 0
    printed = capsys.readouterr().out
    assert "By source" in printed
    assert "own-wire" in printed


def test_groups_add_up(corpus: Path) -> None:
    counted = corpus_stats(load_examples(corpus, [OWN_RECORDS]))
    for groups in (counted.splits, counted.theatres, counted.genres, counted.sources):
        assert sum(group.sentences for group in groups.values()) == counted.total.sentences == 22
        for label, total in counted.total.labels.items():
            assert sum(group.labels[label] for group in groups.values()) == total
    assert corpus_stats([]).total.mean_words == 0.0


def test_stats_refuses_an_unknown_format_and_a_broken_corpus(corpus: Path) -> None:
    with pytest.raises(
        ConfigError, match="expected one of table, json, markdown, found 'jsn'; did you mean"
    ):
        stats(corpus, [], "jsn")
    (corpus / "test" / "c.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"c\.jsonl:1: doc_id: missing"):
        stats(corpus, [], "table")


def test_reading_and_counting_need_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from claimwire.data.commands import stats\n"
        "stats(None, [], 'json')\n"
        "heavy = {'datasets', 'datasketch', 'torch', 'pandas', 'sklearn', 'mlflow'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
