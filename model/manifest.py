"""The manifest of a release: what it is, how to decide, and the sha256 of every other file."""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration

FORMAT_VERSION: Final = 1
MANIFEST_NAME: Final = "manifest.json"
MODEL_NAME: Final = "model.onnx"
TOKENIZER_NAME: Final = "tokenizer.json"
CARD_NAME: Final = "MODEL_CARD.md"
PAYLOAD_NAMES: Final = (MODEL_NAME, TOKENIZER_NAME, CARD_NAME)
"""The files that a manifest lists: all but the manifest itself."""


def utc_now() -> str:
    """Return the time as a manifest's ``created`` wants it, such as ``2026-11-25T15:04:05Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ManifestDraft(BaseModel):
    """A manifest before its files are known: what training fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format_version: int = FORMAT_VERSION
    """Version of this layout; a reader refuses those it does not know."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")
    created: str = Field(default_factory=utc_now)
    """When it was made, ISO 8601 in UTC."""
    base: str
    """The encoder that was fine-tuned, as ``model.base`` of the config names it."""
    labels: tuple[Label, ...] = LABELS
    """The network's outputs, in order; always :data:`claimwire.data.labels.LABELS`."""
    thresholds: dict[Label, float]
    """For each claim label, the calibrated probability (0 to 1) from which it is made."""
    calibration: dict[Label, Calibration] = Field(
        default_factory=lambda: {label: Calibration() for label in LABELS}
    )
    """For each of the four labels: ``p = sigmoid(scale * logit + bias)``."""
    review_threshold: float = Field(ge=0, le=1)
    """Decisions with a confidence below it ask for a review."""
    max_length: int = Field(ge=8, le=512)
    """Longest input in tokens, [CLS] and [SEP] included."""
    precision: Literal["fp32", "int8"]
    metrics: dict[str, float] = {}
    """Such as ``test/primary_macro_f1``."""
    corpus_digest: str
    config_digest: str

    @field_validator("created")
    @classmethod
    def _created_is_utc(cls, value: str) -> str:
        moment = datetime.fromisoformat(value)
        if moment.utcoffset() is None or moment.utcoffset() != UTC.utcoffset(None):
            raise ValueError(
                f"expected a time in UTC such as 2026-11-25T15:04:05Z, found {value!r}"
            )
        return value

    @field_validator("labels")
    @classmethod
    def _labels_are_ours(cls, value: tuple[Label, ...]) -> tuple[Label, ...]:
        if value != LABELS:
            raise ValueError(f"expected {_names(LABELS)} in this order, found {_names(value)}")
        return value

    @field_validator("thresholds")
    @classmethod
    def _thresholds_for_claims(cls, value: dict[Label, float]) -> dict[Label, float]:
        if set(value) != set(CLAIM_LABELS):
            raise ValueError(f"expected exactly {_names(CLAIM_LABELS)}, found {_names(value)}")
        for label, threshold in value.items():
            if not 0 <= threshold <= 1:
                raise ValueError(f"{label.value}: expected 0 to 1, found {threshold}")
        return {label: value[label] for label in CLAIM_LABELS}

    @field_validator("calibration")
    @classmethod
    def _calibration_for_all(cls, value: dict[Label, Calibration]) -> dict[Label, Calibration]:
        if set(value) != set(LABELS):
            raise ValueError(f"expected exactly {_names(LABELS)}, found {_names(value)}")
        for label, entry in value.items():
            if not (math.isfinite(entry.scale) and entry.scale > 0 and math.isfinite(entry.bias)):
                raise ValueError(
                    f"{label.value}: expected scale > 0 and a finite bias, found {entry}"
                )
        return {label: value[label] for label in LABELS}


class Manifest(ManifestDraft):
    """The manifest of a written release: a draft and the sha256 of each file."""

    files: dict[str, str]
    """File name -> sha256, 64 hexadecimal digits."""

    @field_validator("files")
    @classmethod
    def _files_are_plain(cls, value: dict[str, str]) -> dict[str, str]:
        for name, digest in value.items():
            if Path(name).name != name or "\\" in name or name in {"", ".", ".."}:
                raise ValueError(f"expected plain file names, found a path that leaves: {name!r}")
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise ValueError(f"{name}: expected 64 hexadecimal digits, found {digest!r}")
        if set(value) != set(PAYLOAD_NAMES):
            raise ValueError(f"expected exactly {sorted(PAYLOAD_NAMES)}, found {sorted(value)}")
        return value

    def to_bytes(self) -> bytes:
        """Return the manifest as it is written; the same manifest gives the same bytes."""
        content = self.model_dump(mode="json")
        content["manifest_digest"] = digest_of_content(content)
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Self:
        """Validate parsed JSON (without its digest); raises pydantic's ValidationError."""
        return cls.model_validate(content)


def digest_of_content(content: dict[str, Any]) -> str:
    """Return ``sha256:`` and 64 hexadecimal digits; the order of the keys does not matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _names(labels: Any) -> str:
    return ", ".join(str(getattr(label, "value", label)) for label in labels)
