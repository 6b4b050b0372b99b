"""Arbitrary Unicode and bytes through the whole of ``claimwire tag``: does anything crash or lose?

Run from the repository's root, with the extra [dev] installed::

    python benchmarks/fuzz.py [--cases 10000] [--seed 7] [--model REF]

Hypothesis makes the cases, at random and by bending what is nearly valid: articles and sentences in
any Unicode, lone surrogates too, for ``Tagger``; bytes in the dress of every input format, zipped,
cut and changed, for the reader and for the command, which writes every output format. Each case is
checked: offsets fit, probabilities are some, every line of records is a row or a failure, exit
codes say what happened. The first case that breaks is shown as small as it can be made. Writes
``benchmarks/results/fuzz.md``; the short form runs with the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from claimwire.data.decode import decode_utf8, looks_binary
from claimwire.serve.commands import TagOptions, tag
from claimwire.serve.inputs import Reader
from claimwire.serve.items import Failure, InputFormat, Item, Note, ReadOptions, Unit
from claimwire.serve.outputs import errors_path
from claimwire.serve.sources import find_sources
from claimwire.serve.tagger import TaggedSentence, Tagger

RESULTS: Final = Path("benchmarks/results/fuzz.md")

ANY = st.characters(codec=None)
NEWS = st.sampled_from(
    ["A shell fell. ", "Gen. Doe said at 5 p.m. ", "“Two drones,” he said. ", "\n\n", "- ", "# ",
     "https://t.co/x ", "MARESK (Agency) — ", "[1] ", "<b>", "&amp;", "\u202e", "\ufeff", "\u200d",
     "e\u0301", "\U0001f680", "\ud83d", "\u2028", "\x00", "ﬁ", "١٢٣", "日本語。", "   ", "." * 40]
)  # fmt: skip
TEXT = st.text(ANY, max_size=400) | st.lists(NEWS | st.text(ANY, max_size=9), max_size=40).map(
    "".join
)
SENTENCES = st.lists(TEXT, max_size=8)
PIECES = st.sampled_from(
    [b"text", b'"', b",", b";", b"\t", b"\r", b"\n", b"{", b"}", b":", b"[", b"null", b"1e999",
     b"<html>", b"<p>", b"</p>", b"<!--", b"PAR1", b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff", b"\x00",
     b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\\ud83d", b"A shell fell. ", b'{"text": "A."}\n']
)  # fmt: skip
SOUP = st.lists(PIECES | st.binary(max_size=12), max_size=40).map(b"".join)
PROSE = TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
RECORDS = st.lists(
    st.dictionaries(
        st.sampled_from(["text", "id", "label", "scores", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(st.integers()),
    ),
    max_size=5,
).map(lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode())


def parquet(rows: list[tuple[str | None, int | None]]) -> bytes:
    stream = io.BytesIO()
    columns = {"text": [text for text, _ in rows], "n": [number for _, number in rows]}
    types = pa.schema([("text", pa.string()), ("n", pa.int64())])
    pq.write_table(pa.table(columns, schema=types), stream, row_group_size=2)
    return stream.getvalue()


VALID_TEXT = st.text(max_size=60)
TABLES = st.lists(
    st.tuples(st.none() | VALID_TEXT, st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=6
).map(parquet)
PLAIN = SOUP | PROSE | RECORDS | TABLES | SOUP.map(lambda raw: b"text,x\n" + raw)


def changed(raw: bytes) -> st.SearchStrategy[bytes]:
    """Take something out of bytes, or put something in."""
    place = st.integers(0, len(raw))
    return st.tuples(place, place, st.binary(max_size=6)).map(
        lambda cut: raw[: min(cut[:2])] + cut[2] + raw[max(cut[:2]) :]
    )


BYTES = PLAIN | PLAIN.flatmap(changed)
ANY_BYTES = BYTES | BYTES.map(gzip.compress) | BYTES.map(gzip.compress).flatmap(changed)
NAMES = st.sampled_from(
    ["a", "a.txt", "a.md", "a.html", "a.jsonl", "a.csv", "a.tsv", "a.parquet", "a.xml"]
    + [f"a.{kind}.gz" for kind in ("txt", "html", "csv", "jsonl")]
)
FORMATS = st.just(InputFormat.AUTO) | st.sampled_from(InputFormat)


LINES = st.lists(
    RECORDS
    | PROSE.map(lambda raw: raw.replace(b"\n", b" ") + b"\n")
    | SOUP.map(lambda raw: raw.replace(b"\n", b" ") + b"\n"),
    max_size=5,
).map(b"".join)


@dataclass
class Fuzz:
    """What is fuzzed, where, and what came out.

    Attributes:
        model: the release as the command is told of it.
        folder: for files.
        tagger: tags.
        seen: how often what came out.
    """

    model: str | None
    folder: Path
    tagger: Tagger
    seen: Counter[str] = field(default_factory=Counter)

    def article(self, text: str) -> None:
        self._check(text, self.tagger.tag(text))

    def sentences(self, texts: list[str]) -> None:
        tagged = self.tagger.tag_sentences(texts)
        assert [one.text for one in tagged] == texts
        for one in tagged:
            self._check(one.text, [one])

    def _check(self, text: str, tagged: list[TaggedSentence]) -> None:
        position = 0
        for one in tagged:
            assert text[one.start : one.end] == one.text
            assert one.start >= position
            assert all(0.0 <= score <= 1.0 for score in one.scores.values())
            assert one.label == one.labels[0]
            position = one.end
        self.seen["sentences"] += len(tagged)

    def reader(self, raw: bytes, name: str, unit: Unit, how: InputFormat) -> None:
        path = self.folder / name
        path.write_bytes(raw)
        entries = list(Reader(find_sources([str(path)]), ReadOptions(unit, how)))
        path.unlink()
        assert entries, "nothing at all was said of this input"
        for entry in entries:
            assert isinstance(entry, Item | Failure | Note)
            assert not isinstance(entry, Failure) or "expected" in entry.reason
            self.seen[type(entry).__name__.lower() + "s"] += 1

    def command(self, raw: bytes, name: str, unit: Unit, how: InputFormat, form: str) -> None:
        self._run(raw, name, unit, how, form)

    def lines(self, raw: bytes) -> None:
        """Every line that is not blank becomes a row or a failure."""
        output, errors = self._run(raw, "in", Unit.SENTENCE, InputFormat.JSONL, "jsonl")
        if looks_binary(raw[:65_536]) or raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b")):
            return  # read as a whole, or not at all
        expected = sum(bool(decode_utf8(line).text.strip()) for line in raw.split(b"\n"))
        rows, failures = output.count(b"\n"), errors.count(b"\n")
        assert rows + failures == expected, f"{rows} rows and {failures} failures of {expected}"
        self.seen["rows"] += rows
        self.seen["failures"] += failures

    def _run(
        self, raw: bytes, name: str, unit: Unit, how: InputFormat, form: str
    ) -> tuple[bytes, bytes]:
        """Run the command; return its output and its errors file."""
        with tempfile.TemporaryDirectory(dir=self.folder) as inner:
            suffix = "txt" if form == "table" else form
            path, output = Path(inner) / name, Path(inner) / f"out.{suffix}"
            errors = errors_path(output)
            path.write_bytes(raw)
            options = TagOptions(unit, form, output, self.model, input_format=how)
            with contextlib.redirect_stderr(io.StringIO()) as told:
                code = tag([str(path)], options)
            assert code in (0, 1)
            assert (code == 1) == ("claimwire: error: " in told.getvalue()) == errors.exists()
            assert not list(Path(inner).glob("*.partial"))
            self.seen[f"exit code {code}"] += 1
            return output.read_bytes(), errors.read_bytes() if errors.exists() else b""


def parts(fuzz: Fuzz) -> list[tuple[str, float, Callable[..., None], dict[str, Any]]]:
    """Return what is fuzzed: in words, its share of the cases, how, and with what."""
    place = {"name": NAMES, "unit": st.sampled_from(Unit), "how": FORMATS}
    form = st.sampled_from(["table", "jsonl", "csv", "parquet", "html"])
    return [
        ("any Unicode as an article, `Tagger.tag`", 0.3, fuzz.article, {"text": TEXT}),
        ("any Unicode as sentences, `Tagger.tag_sentences`", 0.1, fuzz.sentences,
         {"texts": SENTENCES}),
        ("any bytes as any input, read", 0.35, fuzz.reader, {"raw": ANY_BYTES, **place}),
        ("any bytes, `claimwire tag` to every format", 0.15, fuzz.command,
         {"raw": ANY_BYTES, "form": form, **place}),
        ("lines of records and worse, `claimwire tag`", 0.1, fuzz.lines, {"raw": LINES}),
    ]  # fmt: skip


def run(cases: int, number: int, test: Callable[..., None], arguments: dict[str, Any]) -> int:
    """Run so many cases; return how many there were. The first that breaks is raised."""
    ran = 0

    @seed(number)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(**arguments)
    def case(**values: Any) -> None:
        nonlocal ran
        ran += 1
        test(**values)

    case()
    return ran


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    tagger = Tagger.load(options.model)
    rows, total = [], 0
    with tempfile.TemporaryDirectory() as name:
        fuzz = Fuzz(options.model, Path(name), tagger)
        for what, share, test, arguments in parts(fuzz):
            fuzz.seen.clear()
            ran = run(round(share * options.cases), options.seed, test, arguments)
            total += ran
            seen = ", ".join(f"{count:,} {of}" for of, count in sorted(fuzz.seen.items()))
            rows.append(f"| {what} | {ran:,} | {seen} |")
            print(rows[-1], flush=True)
    lines = [
        "# Arbitrary Unicode and bytes",
        "",
        f"By `python benchmarks/fuzz.py --seed {options.seed}`, with {tagger.model}.",
        "",
        "| what | cases | what came out |",
        "|---|---|---|",
        *rows,
        "",
        f"{total:,} cases; none crashed, none lost anything.",
        "",
    ]
    options.output.write_text("\n".join(lines), encoding="utf-8")
    print(lines[-2])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
