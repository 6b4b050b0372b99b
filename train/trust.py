"""What a run shows beside its scores: slices, behaviour, baselines, and the report of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from claimwire.data.behaviour_cases import load_behaviour
from claimwire.model.runtime import Runtime
from claimwire.train.baselines import baseline_table, log_baselines, run_baselines
from claimwire.train.behaviour import actor_swap_flips, document_parties, run_behaviour
from claimwire.train.config import Config
from claimwire.train.fine_tune import EpochPoint
from claimwire.train.labelled_data import LabelledData
from claimwire.train.make_release import Measured
from claimwire.train.metrics import Evaluation
from claimwire.train.report import ReportFacts, report_html
from claimwire.train.slices import slice_metrics

REPORT: Final = "report.html"


def examine(
    config: Config,
    data: LabelledData,
    measured: Measured,
    history: Sequence[EpochPoint],
    baselines: Mapping[str, Evaluation],
) -> ReportFacts:
    """Measure a run's release where one score says too little.

    Args:
        config: the experiment.
        data: its sentences.
        measured: the release with its scores.
        history: one point an epoch.
        baselines: test evaluations by name, for the report.
    """
    import yaml

    runtime = Runtime(measured.release, config.train.threads)
    test = [example for example in data.examples if example.split == "test"]
    decisions = runtime.predict([example.text for example in test])
    content = config.model_dump(mode="json")
    for section, key in (("data", "corpus"), ("data", "extra"), ("teacher", "unlabelled")):
        content[section].pop(key)  # where files lie on one machine is no business of a report
    content["distillation"].pop("soft_labels")
    content.pop("output_dir")
    content.pop("soup")  # told by the release's base, without paths
    content.pop("encoder")  # made before, and named by model.base
    content.pop("sweep")  # what a run would be searched over says nothing of this one
    return ReportFacts(
        release=measured.release,
        configuration=yaml.safe_dump(content, sort_keys=False),
        evaluations=measured.evaluations,
        baselines=baselines,
        calibration=measured.calibration_report,
        test=test,
        decisions=decisions,
        slices=slice_metrics(test, decisions),
        behaviour=run_behaviour(load_behaviour(), runtime),
        swap=actor_swap_flips(test, runtime, parties=document_parties(config.data.corpus)),
        history=history,
    )


def log_trust(facts: ReportFacts, folder: Path, step: int) -> Path:
    """Log figures and report to the active MLflow run; return the report's file in ``folder``."""
    import mlflow

    metrics = {
        "behaviour/pass_rate": facts.behaviour.overall.rate,
        "test/actor_swap_flip_rate": facts.swap.flip_rate,
        "test/actor_swap_sentences": float(facts.swap.changed.n),
    }
    for name, share in facts.behaviour.by_capability.items():
        metrics[f"behaviour/{name}"] = share.rate
    mlflow.log_metrics(metrics, step=step)
    mlflow.log_dict({"slices": [each.to_json() for each in facts.slices]}, "slices.json")
    mlflow.log_dict(facts.behaviour.to_json(), "behaviour.json")
    path = folder / REPORT
    path.write_text(report_html(facts), encoding="utf-8")
    mlflow.log_artifact(str(path))
    return path


def measure_baselines(
    config: Config, data: LabelledData, model: Mapping[str, Evaluation], console: Console
) -> dict[str, Evaluation]:
    """Run and log the baselines, print them above the model; return their test evaluations."""
    results = run_baselines(config, data, console)
    log_baselines(results)
    console.print(baseline_table({**results, config.name: dict(model)}))
    return {name: evaluations["test"] for name, evaluations in results.items()}
