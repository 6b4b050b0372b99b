from __future__ import annotations

from pathlib import Path

from claimwire.train.field_table import field_table

ROOT = Path(__file__).parents[2]


def test_every_field_is_documented_as_it_is() -> None:
    text = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    assert field_table() in text, "run python -m claimwire.train.field_table and paste its output"


def test_every_committed_configuration_is_documented() -> None:
    text = (ROOT / "docs/training.md").read_text(encoding="utf-8")
    for path in (ROOT / "configs").glob("*.yaml"):
        assert f"`configs/{path.name}`" in text
