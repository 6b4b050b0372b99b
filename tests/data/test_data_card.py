from __future__ import annotations

from pathlib import Path

import pytest

from claimwire.data.checks import Rule
from claimwire.data.commands import stats
from claimwire.data.data_card import CARD, renewed
from claimwire.data.errors import InputError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / CARD).read_text(encoding="utf-8")


def test_the_tables_are_what_the_corpus_is() -> None:
    assert renewed(TEXT, ROOT) == TEXT, "run python -m claimwire.data.data_card"


def test_the_tables_are_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(None, [], "markdown") == 0
    printed = capsys.readouterr().out.strip()
    assert "**Agreement" in printed
    assert f"-->\n{printed}\n<!-- corpus stats: end -->" in TEXT


def test_measurements_are_taken_in_where_there_are_some(tmp_path: Path) -> None:
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "composed-and-real.md").write_text("| a | b |\n", encoding="utf-8")
    card = renewed(TEXT, tmp_path)
    assert "(benchmarks/learning_curve.py) -->\n| a | b |\n<!-- composed and real: end" in card
    assert renewed(card, tmp_path) == card


def test_a_card_without_its_markers_is_refused() -> None:
    with pytest.raises(InputError, match="expected the markers of 'corpus stats'"):
        renewed(TEXT.replace("<!-- corpus stats: end -->", ""), ROOT)


def test_the_headings_are_those_of_datasheets() -> None:
    headings = [line[3:] for line in TEXT.splitlines() if line.startswith("## ")]
    assert headings == [
        "Motivation",
        "Composition",
        "Collection",
        "Preprocessing, cleaning, labelling",
        "Uses",
        "Distribution",
        "Maintenance",
    ]


def test_every_rule_about_documents_is_told() -> None:
    for rule in (Rule.SCHEMA, Rule.ANNOTATIONS, Rule.SHARED_RUNS, Rule.TEMPLATES, Rule.BALANCE):
        assert f"| {rule} |" in TEXT
