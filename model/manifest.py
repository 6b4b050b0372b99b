"""The manifest of a release: what it is, how to decide, and the sha256 of every other file."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration, LabelOrder

READABLE_FORMATS: Final = (1, 2)
"""Versions of the layout. 2 is 1 with calibrations that bend or claims in the order of the
network's outputs, which readers of 1 do not know; a release without either is written as 1."""
MAX_KNOTS: Final = 64
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

    format_version: int = 1
    """Version of this layout, set when it is written; a reader refuses those it does not know."""
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
    """For each of the four labels: ``p = sigmoid(scale * logit + bias)``, or by knots."""
    label_order: LabelOrder = "probability"
    """What orders the claims of one sentence, see :func:`claimwire.model.decision.decide`."""
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
            if entry.knots:
                _check_knots(label, entry)
        return {label: value[label] for label in LABELS}

    @field_serializer("calibration")
    def _no_empty_knots(self, value: dict[Label, Calibration]) -> dict[str, dict[str, Any]]:
        # Releases of format 1 know no knots: they keep their bytes, and with them their digest.
        return {
            label.value: {k: v for k, v in asdict(entry).items() if k != "knots" or v}
            for label, entry in value.items()
        }


class Manifest(ManifestDraft):
    """The manifest of a written release: a draft and the sha256 of each file."""

    files: dict[str, str]
    """File name -> sha256, 64 hexadecimal digits."""

    @field_validator("calibration")
    @classmethod
    def _knots_have_their_format(
        cls, value: dict[Label, Calibration], info: ValidationInfo
    ) -> dict[Label, Calibration]:
        least, found = format_of(value), info.data.get("format_version", 0)
        if found < least:
            raise ValueError(
                f"expected format_version {least} where a label has knots, found {found}"
            )
        return value

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
        if self.label_order == "probability":  # format 1 knows no other: its bytes stay
            content.pop("label_order")
        content["manifest_digest"] = digest_of_content(content)
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()

    @field_validator("label_order")
    @classmethod
    def _order_has_its_format(cls, value: LabelOrder, info: ValidationInfo) -> LabelOrder:
        found = info.data.get("format_version", 0)
        if value == "output" and found < 2:
            raise ValueError(f"expected format_version 2 with label_order, found {found}")
        return value

    @classmethod
    def of_draft(cls, draft: ManifestDraft, files: Mapping[str, str]) -> Self:
        """Complete and validate a draft, in the lowest format version that can say it."""
        version = 2 if draft.label_order == "output" else format_of(draft.calibration)
        return cls.from_content(
            {**draft.model_dump(), "format_version": version, "files": dict(files)}
        )

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> Self:
        """Validate parsed JSON (without its digest); raises pydantic's ValidationError."""
        return cls.model_validate(content)


def digest_of_content(content: dict[str, Any]) -> str:
    """Return ``sha256:`` and 64 hexadecimal digits; the order of the keys does not matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def format_of(calibration: Mapping[Label, Calibration]) -> int:
    """Return the lowest format version that can hold these maps: 2 where one has knots, else 1."""
    return 2 if any(entry.knots for entry in calibration.values()) else 1


def _check_knots(label: Label, entry: Calibration) -> None:
    knots, where = entry.knots, f"{label.value}: knots"
    if not 2 <= len(knots) <= MAX_KNOTS:
        raise ValueError(f"{where}: expected 2 to {MAX_KNOTS} points, found {len(knots)}")
    if (entry.scale, entry.bias) != (1.0, 0.0):
        raise ValueError(
            f"{where}: expected scale 1 and bias 0 beside them, found {entry.scale} and "
            f"{entry.bias}"
        )
    if not all(math.isfinite(value) for point in knots for value in point):
        raise ValueError(f"{where}: expected finite numbers, found {knots}")
    for (x, y), (next_x, next_y) in pairwise(knots):
        # Two neighbouring floats rise as well, but by a slope that may be infinite, or 0.
        if not (next_x > x and 0 < (next_y - y) / (next_x - x) < math.inf):
            raise ValueError(
                f"{where}: expected points that rise strictly in both numbers, found "
                f"{(x, y)} before {(next_x, next_y)}"
            )


def _names(labels: Any) -> str:
    return ", ".join(str(getattr(label, "value", label)) for label in labels)
