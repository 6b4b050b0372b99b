"""A YAML file and ``key=value`` overrides to a checked :class:`~claimwire.train.config.Config`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from claimwire.data.errors import ConfigError, MissingExtraError
from claimwire.train.config import Config

_PATH_KEYS = (
    ("output_dir",),
    ("data", "corpus"),
    ("data", "extra"),
    ("distillation", "soft_labels"),
    ("teacher", "unlabelled"),
    ("encoder", "directory"),
    ("encoder", "texts"),
)


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and check a configuration.

    Args:
        path: a YAML file with a mapping of :class:`Config`'s keys.
        overrides: ``key=value`` strings; the key is dotted, the value is read as YAML.

    Returns:
        The configuration, every path absolute.

    Raises:
        ConfigError: the file is missing or no mapping, a key is unknown, or a value is out of
            range; all problems of the file are listed at once.
    """
    content = _read_yaml_mapping(path)
    _anchor_paths(content, path.resolve().parent)
    for override in overrides:
        _apply_override(content, override)
    content.setdefault("output_dir", str(Path.cwd() / "artifacts"))
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"  {_describe(problem)}" for problem in error.errors())
        raise ConfigError(f"{path}: {error.error_count()} problem(s):\n{problems}") from None


def _read_yaml_mapping(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("train", "reading a configuration") from error
    if not path.is_file():
        raise ConfigError(
            f"{path}: expected a YAML configuration file, found none: {_nearby(path)}"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected valid YAML in UTF-8, found: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise ConfigError(f"{path}: expected a mapping of keys to values, found a {kind}")
    return content


def _nearby(path: Path) -> str:
    folder = path.parent
    names = sorted(p.name for p in folder.glob("*.y*ml")) if folder.is_dir() else []
    if not names:
        return "check the path"
    return f"{folder} holds " + ", ".join(names)


def _anchor_paths(content: dict[str, Any], folder: Path) -> None:
    for keys in _PATH_KEYS:
        section: Any = content
        for key in keys[:-1]:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict) and section.get(keys[-1]) is not None:
            section[keys[-1]] = _anchored(section[keys[-1]], folder)


def _anchored(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_anchored(item, folder) for item in value]
    # os.path.normpath, not Path.resolve: a link in the path is the user's choice and stays.
    return os.path.normpath(folder / value) if isinstance(value, str) else value


def _apply_override(content: dict[str, Any], override: str) -> None:
    import yaml

    key, separator, raw = override.partition("=")
    keys = tuple(key.strip().split("."))
    if not separator or not all(keys):
        raise ConfigError(f"expected an override as key=value (train.epochs=3), found {override!r}")
    try:
        value = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"override {key}: expected a YAML value, found {raw!r}: {error}"
        ) from None
    if keys in _PATH_KEYS and value is not None:
        value = _anchored(value, Path.cwd())
    section = content
    for part in keys[:-1]:
        nested = section.setdefault(part, {})
        if not isinstance(nested, dict):
            raise ConfigError(f"override {key}: {part} is a single value and has no keys")
        section = nested
    section[keys[-1]] = value


def _describe(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":  # our own words, which say what was found
        return ": ".join(filter(None, [where, str(problem["ctx"]["error"])]))
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']}, found {problem['input']!r}"
    known = sorted(_fields_at(problem["loc"][:-1]))
    everywhere = _all_keys()
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.5)
    elsewhere = [key for key in everywhere if key.endswith("." + str(problem["loc"][-1]))]
    if elsewhere:
        hint = f"did you mean {elsewhere[0]}?"
    elif near:
        hint = f"did you mean {'.'.join([*map(str, problem['loc'][:-1]), near[0]])}?"
    else:
        hint = "known here: " + ", ".join(known)
    return f"{where}: unknown key; {hint}"


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        model = annotation
    return list(model.model_fields)


def _all_keys() -> list[str]:
    keys = []
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += [f"{name}.{inner}" for inner in field.annotation.model_fields]
        else:
            keys.append(name)
    return keys
