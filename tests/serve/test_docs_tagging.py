"""docs/tagging.md says what the code does: options, formats, suffixes, fields and figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from claimwire.cli import app
from claimwire.data.corpus import default_corpus, load_examples
from claimwire.serve import cache, inputs, language, opening, outputs, partitions, rows, sources
from claimwire.serve.items import InputFormat

from .test_language import SAMPLE

PAGE = (Path(__file__).parents[2] / "docs" / "tagging.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())
TAG = getattr(typer.main.get_command(app), "commands")["tag"]  # noqa: B009
OPTIONS = [name for parameter in TAG.params for name in parameter.opts if name.startswith("-")]


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"--help", "-h"}))
def test_every_option_is_in_the_table(option: str) -> None:
    assert re.search(rf"^\| .*`{option}`.* \|", PAGE, re.M)


@pytest.mark.parametrize("option", re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.M))
def test_every_option_of_the_table_exists(option: str) -> None:
    assert option in OPTIONS


def test_formats_are_those_of_the_code() -> None:
    assert f"--format {'|'.join(outputs.Format)}" in FLAT
    assert set(re.findall(r"`(\w+)`", re.findall(r"`--input-format` \|(.*)\|", PAGE)[0])) == set(
        InputFormat
    )
    resumable = re.findall(r"`--resume` is offered for (.*?) with", FLAT)[0]
    assert set(re.findall(r"`(\w+)`", resumable)) == outputs.RESUMABLE


@pytest.mark.parametrize(
    "suffix",
    sorted(
        {*sources.KNOWN_SUFFIXES, *inputs.REFUSED_SUFFIXES, ".gz", *outputs.FORMAT_OF_SUFFIX} - {""}
    ),
)
def test_every_suffix_is_named(suffix: str) -> None:
    assert f"`{suffix}`" in FLAT


@pytest.mark.parametrize("field", [*rows.PLACE_FIELDS, *rows.VERDICT_FIELDS])
def test_every_field_is_in_the_table(field: str) -> None:
    assert re.search(rf"^\| .*`{field}`.* \|", PAGE, re.M)


def test_figures_are_those_of_the_code() -> None:
    assert f"{cache.SENTENCES:,} distinct ones" in FLAT
    assert f"article among the last {cache.ARTICLES:,}" in FLAT
    assert f"first {language.READ:,} characters" in FLAT
    assert f"at most {opening.MOST_BYTES // 2**20} MiB, after gzip" in FLAT


def test_the_folder_of_ray_is_described() -> None:
    for name in (partitions.ERRORS, partitions.SUCCESS, f"{partitions.WORK}/"):
        assert re.search(rf"^\| `{name}` \|", PAGE, re.M)
    assert "pip install 'claimwire[ray]'" in PAGE


def test_figures_of_other_languages_are_those_measured() -> None:
    flagged, total = {}, {}
    for part, languages in SAMPLE.items():
        sentences = [sentence for lines in languages.values() for sentence in lines]
        flagged[part] = sum(not language.looks_english(sentence) for sentence in sentences)
        total[part] = len(sentences)
    tuned, held_out = (f"{flagged[part]} of {total[part]}" for part in ("tuned_on", "held_out"))
    assert f"single sentences {tuned} and {held_out}." in FLAT
    assert f"the {len(SAMPLE['tuned_on'])} languages" in FLAT
    texts = [example.text for example in load_examples(default_corpus())]
    wrong = sum(not language.looks_english(text) for text in texts)
    assert f"Of {len(texts):,} English sentences of the corpus {wrong} are flagged wrongly" in FLAT
