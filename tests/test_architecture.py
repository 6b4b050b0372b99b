"""Imports run one way, the base install stays light, and the public API is what it says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import claimwire

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "data": {"data"},
    "model": {"data", "model"},
    "train": {"data", "model", "train"},
    "serve": {"data", "model", "serve"},
}
HEAVY = (
    *("torch", "transformers", "datasets", "mlflow", "sklearn", "pandas"),
    *("fastapi", "starlette", "uvicorn", "prometheus_client"),
    *("pyarrow", "ray"),
    *("sqlalchemy", "alembic", "argon2", "jinja2"),
)


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("claimwire.")}
    return rooms & set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_run_one_way(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        assert imported_rooms(path) <= MAY_IMPORT[room], path


def heavy_modules_after(code: str) -> list[str]:
    program = f"{code}\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    found = ast.literal_eval(done.stdout.splitlines()[-1])
    assert isinstance(found, list)
    return found


def test_importing_claimwire_is_light() -> None:
    assert heavy_modules_after("import claimwire") == []
    assert heavy_modules_after("from claimwire import Tagger, segment") == []


def test_tagging_the_sample_on_the_command_line_is_light() -> None:
    sample = ROOT / "data" / "samples" / "article.txt"
    code = (
        "import sys\nfrom claimwire.cli import app\n"
        f"assert not app(['tag', {str(sample)!r}, '--format', 'jsonl'], standalone_mode=False)"
    )
    assert heavy_modules_after(code) == []


def test_the_check_can_see_a_heavy_import() -> None:
    assert "sklearn" in heavy_modules_after("import sklearn")


def test_public_names_exist_and_are_documented() -> None:
    assert list(claimwire.__all__) == sorted(claimwire.__all__, key=_ruff_order)
    for name in claimwire.__all__:
        value = getattr(claimwire, name)
        if isinstance(value, type) or callable(value):
            assert value.__doc__, name
    assert set(claimwire.__all__) <= set(dir(claimwire))
    with pytest.raises(AttributeError, match="nothing_here"):
        claimwire.nothing_here  # noqa: B018


def _ruff_order(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)
