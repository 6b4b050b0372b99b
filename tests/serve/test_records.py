from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwire.data.errors import InputError
from claimwire.serve.records import json_line, parse_record, text_of, travelling

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
ANY_TEXT = st.text(st.characters())  # lone surrogates included
VALUES = st.recursive(
    SCALARS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("line", "found", "advice"),
    [
        ('{"text": "a"', "malformed JSON", "mend or remove the line"),
        ("just prose", "malformed JSON", "mend or remove the line"),
        ('["a"]', "a list", '{"text": ...}'),
        ('"a"', "a string", '{"text": ...}'),
        ("17", "a number", '{"text": ...}'),
        ("null", "null", '{"text": ...}'),
        ("true", "true or false", '{"text": ...}'),
        ('{"text": "a", "text": "b"}', "'text' more than once", "keep one"),
        ('{"text": "a", "x": {"y": 1, "y": 2}}', "'y' more than once", "keep one"),
        ('{"text": "a", "x": NaN}', "NaN", "write null"),
        ('{"text": "a", "x": -Infinity}', "-Infinity", "write null"),
        ('{"text": "a", "x": 1e999}', "1e999", "write it as a string"),
        ('{"text": "a", "x": ' + "7" * 5_000 + "}", "thousands of digits", "as a string"),
        ('{"text": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "too deeply", "flatten"),
    ],
)
def test_a_line_that_cannot_pass_unchanged_is_refused(line: str, found: str, advice: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse_record(line)
    assert "expected" in str(refusal.value)
    assert found in str(refusal.value)
    assert advice in str(refusal.value)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"body": "a", "id": 1}, "no such field (there is 'body', 'id')"),
        ({}, "no field at all"),
        ({str(number): 0 for number in range(11)}, "and 3 more"),
        ({"text": None}, "null"),
        ({"text": 5}, "a number"),
        ({"text": ["a"]}, "a list"),
        ({"text": {}}, "an object"),
        ({"text": False}, "true or false"),
        ({"text": " \n"}, "a blank string"),
    ],
)
def test_a_record_without_text_is_refused(record: dict[str, Any], found: str) -> None:
    with pytest.raises(InputError, match="expected") as refusal:
        text_of(record, "text")
    assert found in str(refusal.value)


def test_fields_that_bear_an_output_name_are_kept_under_a_free_name() -> None:
    fields = {"label": 1, "input_label": 2, "other": 3, "text": 4, "input_input_text": 5}
    assert travelling(fields, ("label", "text")) == {
        "input_input_label": 1,
        "input_label": 2,
        "other": 3,
        "input_text": 4,
        "input_input_text": 5,
    }


NAMES = st.builds(
    lambda prefixes, name: "input_" * prefixes + name,
    st.integers(0, 3),
    st.sampled_from(["label", "text", "id", ""]),
)


@given(st.dictionaries(NAMES, st.integers()))
def test_travelling_loses_no_field_and_leaves_the_output_names_free(fields: dict[str, int]) -> None:
    output_names = ("label", "text")
    travelled = travelling(fields, output_names)
    assert list(travelled.values()) == list(fields.values())
    assert not set(output_names) & set(travelled)
    untouched = {name for name in fields if name not in output_names}
    assert all(travelled[name] == fields[name] for name in untouched)


@given(st.dictionaries(ANY_TEXT, VALUES, max_size=4))
def test_a_record_passes_through_unchanged(record: dict[str, Any]) -> None:
    line = json_line(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert parse_record(line.decode()) == record
    assert json.loads(line) == record
