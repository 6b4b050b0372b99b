"""Results as one self-contained HTML page: each article with its claims coloured where they stand.

The page needs no network and no script, and everything that comes from an input is escaped. It is
written article by article, so that only one of them is in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import BinaryIO, Final

from claimwire.data.labels import LABELS, Label
from claimwire.serve.convert import TextStream
from claimwire.serve.reports import Tally, place_of, plural, printable
from claimwire.serve.rows import Job, Recorder, Row

CHIPS: Final = {
    Label.ATTACK_CLAIM: "attack",
    Label.INTERCEPTION_CLAIM: "interception",
    Label.ATTRIBUTION_INFERENCE: "attribution",
    Label.BACKGROUND: "background",
}
_NEW_PARAGRAPH: Final = re.compile(r"\S|\n\s*\n")
"""In what stands between two sentences: something taken out, or an empty line."""

_HEAD: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tagged by claimwire</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>Tagged by claimwire</h1>
<p class="facts">Model: {model}. The number beside a label is its calibrated probability; sentences
without a mark are background.</p>
<ul class="legend">
{legend}</ul>
</header>
<main>
"""


class PageWriter:
    """Writes the page.

    Args:
        stream: where it goes.
        recorder: knows the model's identity.
    """

    def __init__(self, stream: BinaryIO, recorder: Recorder) -> None:
        self._out = TextStream(stream)
        self._rows: list[Row] = []
        legend = "".join(
            f'<li><mark class="{label.value}">{label.value}</mark></li>\n'
            for label in LABELS
            if label is not Label.BACKGROUND
        )
        legend += '<li><span class="chip doubt">review</span> the model is not sure</li>\n'
        style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
        self._out.write(_HEAD.format(style=style, model=_text(recorder.model), legend=legend))

    def write(self, row: Row) -> None:
        """Take one row; write the article before it where it begins another one."""
        if self._rows and not _together(self._rows[-1].job, row.job):
            self._flush()
        self._rows.append(row)

    def finish(self, tally: Tally) -> None:
        """Write the last article and the counts."""
        self._flush()
        self._out.write(f"</main>\n<footer>{_text(tally.summary())}</footer>\n</body>\n</html>\n")

    def close(self) -> None:
        """Nothing is held."""

    def _flush(self) -> None:
        if self._rows:
            for part in _article(self._rows):
                self._out.write(part)
        self._rows = []


def _together(one: Job, other: Job) -> bool:
    """Whether two rows stand in one article, or in one file of single sentences."""
    return one is other or (
        one.item.is_sentence and other.item.is_sentence and one.item.file == other.item.file
    )


def _article(rows: list[Row]) -> Iterator[str]:
    job = rows[0].job
    yield f"<article>\n<h2>{_text(_title(job))}</h2>\n"
    yield f'<p class="facts">{plural(len(rows), "sentence")}{_marks(job)}</p>\n'
    yield '<p dir="auto">'
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None:
            yield "</p>\n" + '<p dir="auto">' if _breaks(before, row) else " "
        yield _sentence(row)
    yield "</p>\n"
    yield from _probabilities(rows)
    yield from _removed(job)
    yield "</article>\n"


def _title(job: Job) -> str:
    place, article_id = place_of(job.item), str(job.item.article_id)
    if job.item.is_sentence:
        return job.item.file
    return place if place.endswith(article_id) else f"{place} ({article_id})"


def _marks(job: Job) -> str:
    if job.item.is_sentence:
        return ""
    marks = ("" if job.english else "not English", "repeated" if job.repeated else "")
    return "".join(f"; <b>{mark}</b>" for mark in marks if mark)


def _breaks(before: Row, row: Row) -> bool:
    """Whether a new paragraph begins between two sentences."""
    if row.job is not before.job:
        return True
    between = row.job.item.text[before.tagged.end : row.tagged.start]
    return _NEW_PARAGRAPH.search(between) is not None


def _sentence(row: Row) -> str:
    tagged, item = row.tagged, row.job.item
    text = _text(tagged.text)
    number = f'<span class="number">{item.line}</span>' if item.is_sentence else ""
    chips = "".join(_chips(row))
    if tagged.label is Label.BACKGROUND:
        return f"{number}{text}{chips}"
    return f'{number}<mark class="{tagged.label.value}">{text}</mark>{chips}'


def _chips(row: Row) -> Iterator[str]:
    tagged = row.tagged
    doubts = [
        word
        for word, holds in (
            ("review", tagged.needs_review),
            ("truncated", tagged.truncated),
            ("not English", row.job.item.is_sentence and not row.job.english),
        )
        if holds
    ]
    for label in tagged.labels:
        if label is not Label.BACKGROUND or doubts:
            name = f"{CHIPS[label]} {tagged.scores[label]:.2f}"
            yield f' <span class="chip {label.value}">{name}</span>'
    for doubt in doubts:
        yield f' <span class="chip doubt">{doubt}</span>'


def _probabilities(rows: list[Row]) -> Iterator[str]:
    names = "".join(f"<th>{CHIPS[label]}</th>" for label in LABELS)
    yield '<details>\n<summary>All probabilities</summary>\n<div class="scroll"><table>\n'
    yield f"<tr><th>#</th>{names}<th>sentence</th></tr>\n"
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            f"<td{_chosen(row, label)}>{row.tagged.scores[label]:.2f}</td>" for label in LABELS
        )
        yield f'<tr><td>{number}</td>{cells}<td dir="auto">{_text(row.tagged.text)}</td></tr>\n'
    yield "</table></div>\n</details>\n"


def _chosen(row: Row, label: Label) -> str:
    return ' class="chosen"' if label in row.tagged.labels else ""


def _removed(job: Job) -> Iterator[str]:
    if not job.removed:
        return
    yield f"<details>\n<summary>Taken out as not prose: {len(job.removed)}</summary>\n<ul>\n"
    for part in job.removed:
        yield f'<li dir="auto"><b>{_text(part.reason)}</b>: {_text(part.text)}</li>\n'
    yield "</ul>\n</details>\n"


def _text(text: str) -> str:
    return escape(printable(text))
