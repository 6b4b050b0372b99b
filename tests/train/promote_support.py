"""A registry of six releases of a tiny network, for the tests of promotion."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow  # noqa: TID253 - these tests read what was recorded

from claimwire.data.behaviour_cases import Case
from claimwire.data.documents import Record
from claimwire.data.labels import CLAIM_LABELS, LABELS, Label
from claimwire.model.decision import Calibration
from claimwire.model.manifest import ManifestDraft
from claimwire.model.release import Release, write_release
from claimwire.train import tracking
from claimwire.train.config import Config, TrackingConfig
from claimwire.train.promote import LabelledSet, Promotion, promote
from claimwire.train.promotion_rules import PromotionRules

MODEL = "claimwire"
GOOD, ALIKE, UNTRAINED, UNSURE, NO_ATTACKS, NO_INTERCEPTIONS = "1", "2", "3", "4", "5", "6"
LENIENT = PromotionRules(latency_ratio=1000, latency_sentences=4)
"""Nothing here depends on how busy the machine is."""

PLACES = ("the port", "the northern depot", "the old bridge", "the air base", "the hill town")
DAYS = ("Monday", "Tuesday", "Friday", "Sunday")
SENTENCES: dict[Label, tuple[str, str]] = {
    Label.ATTACK_CLAIM: ("africa", "{n} rockets struck {place} on {day}, killing two people."),
    Label.INTERCEPTION_CLAIM: (
        "gulf-yemen",
        "Air defences shot down {n} drones near {place} on {day}.",
    ),
    Label.ATTRIBUTION_INFERENCE: (
        "other",
        "Officials blamed a militia for the attack of {day} on {place}, the group of {n}.",
    ),
    Label.BACKGROUND: ("other", "The ministers will meet in {place} on {day} to discuss {n} laws."),
}


def labelled_sentences() -> list[Record]:
    """Return 60 documents of one sentence a label."""
    return [
        Record.model_validate(
            {
                "text": text.format(n=n + 2, place=PLACES[n % 5], day=DAYS[n % 4]),
                "labels": [str(label)],
                "doc_id": f"report-{n}",
                "theatre": theatre,
            }
        )
        for n in range(60)
        for label, (theatre, text) in SENTENCES.items()
    ]


RECORDS = labelled_sentences()
DATA = LabelledSet("reports", RECORDS)
CASES = [
    Case(str(record.labels[0]), number, (record.text,), record.labels[0])
    for number, record in enumerate(RECORDS[:40], 1)
]


def learn(model: Any, tokenizer: Any) -> None:
    """Fit the sentences, which takes a second or two."""
    import torch

    tokens = tokenizer([record.text for record in RECORDS], padding=True, return_tensors="pt")
    targets = torch.tensor([[float(label in r.labels) for label in LABELS] for r in RECORDS])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(60):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**tokens).logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def register_releases(tiny_base: Path, folder: Path) -> None:
    """Register six releases in a database in a folder."""
    import torch

    from claimwire.model.export import export_onnx, write_tokenizer
    from claimwire.model.network import build_classifier

    torch.manual_seed(0)
    network, tokenizer = build_classifier(str(tiny_base))
    write_tokenizer(tokenizer, folder / "tokenizer.json")
    export_onnx(network, folder / "untrained.onnx")
    learn(network, tokenizer)
    export_onnx(network, folder / "good.onnx")

    def release(version: str, onnx: str = "good.onnx", **changes: Any) -> Release:
        content: dict[str, Any] = {
            "name": "tiny",
            "version": f"0.{version}",
            "base": "tiny",
            "thresholds": dict.fromkeys(CLAIM_LABELS, 0.5),
            "review_threshold": 0.6,
            "max_length": 64,
            "precision": "fp32",
            "corpus_digest": "sha256:none",
            "config_digest": "sha256:none",
        }
        return write_release(
            folder / f"release-{version}",
            ManifestDraft(**content | changes),
            model_onnx=folder / onnx,
            tokenizer_json=folder / "tokenizer.json",
            model_card="# tiny\n",
        )

    def blind_to(label: Label) -> dict[Label, float]:
        return dict.fromkeys(CLAIM_LABELS, 0.5) | {label: 1.0}

    releases = [
        release(GOOD),
        release(ALIKE),
        release(UNTRAINED, "untrained.onnx"),
        release(UNSURE, calibration=dict.fromkeys(LABELS, Calibration(scale=0.1))),
        release(NO_ATTACKS, thresholds=blind_to(Label.ATTACK_CLAIM)),
        release(NO_INTERCEPTIONS, thresholds=blind_to(Label.INTERCEPTION_CLAIM)),
    ]
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    tracker = tracking.connect(Config(output_dir=folder, tracking=TrackingConfig(uri=uri)))
    with tracking.tracked_run(tracker, "tiny"):
        versions = [tracking.register_release(each, MODEL) for each in releases[:2]]
    client = mlflow.MlflowClient(uri, uri)
    for each in releases[2:]:  # without a logged model, which takes MLflow seconds
        registered = client.create_model_version(MODEL, each.directory.as_uri())
        versions.append(str(registered.version))
    assert versions == [GOOD, ALIKE, UNTRAINED, UNSURE, NO_ATTACKS, NO_INTERCEPTIONS]


def copy_registry(registered: Path, folder: Path) -> str:
    """Copy the database into another folder; return the URI of the copy."""
    shutil.copyfile(registered / "mlflow.db", folder / "mlflow.db")
    return f"sqlite:///{folder / 'mlflow.db'}"


def champion(client: mlflow.MlflowClient) -> str:
    return str(client.get_model_version_by_alias(MODEL, "champion").version)


def tags(client: mlflow.MlflowClient, version: str) -> dict[str, str]:
    found = client.get_model_version(MODEL, version).tags
    return {
        key.removeprefix("claimwire."): value
        for key, value in found.items()
        if key.startswith("claimwire.")
    }


def judged(version: str, **changes: Any) -> Promotion:
    arguments: dict[str, Any] = {"model": MODEL, "rules": LENIENT} | changes
    return promote(version, DATA, CASES, **arguments)


def detail(promotion: Promotion, rule: str) -> str:
    return next(result.detail for result in promotion.results if result.name == rule)


@contextmanager
def tampered(registered: Path, release: str) -> Iterator[None]:
    """Alter the weights of a registered release where they are stored."""
    manifests = registered.glob("mlartifacts/**/manifest.json")
    path = next(
        manifest.parent / "model.onnx"
        for manifest in manifests
        if json.loads(manifest.read_text())["version"] == f"0.{release}"
    )
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        yield
    finally:
        path.write_bytes(before)


def write_records(path: Path, split: str | None = None) -> None:
    content = [record.model_dump(mode="json", exclude_defaults=True) for record in RECORDS]
    marked = content if split is None else [line | {"split": split} for line in content]
    path.write_text("".join(json.dumps(line) + "\n" for line in marked))
