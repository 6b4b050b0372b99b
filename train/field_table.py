"""The table of configuration fields for the documentation, made from the fields themselves."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from claimwire.train.config import Config


def field_table() -> str:
    """Return a Markdown table of every field: name, default, meaning with unit and range."""
    lines = ["| field | default | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | `{default}` | {text} |" for name, default, text in _rows(Config, "")]
    return "\n".join(lines)


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _rows(annotation, f"{prefix}{name}.")
        else:
            text = " ".join((field.description or "").replace("``", "`").split())
            yield prefix + name, _shown(field.default), text.replace("|", "\\|")


def _shown(default: object) -> str:
    if default is None:
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    return "[]" if default == () else str(default)


if __name__ == "__main__":
    print(field_table())  # noqa: T201 - a command
