"""What ``claimwire behaviour`` does."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from claimwire.data.behaviour_cases import load_behaviour
from claimwire.model.references import resolve_release
from claimwire.model.release import load_release
from claimwire.model.runtime import Runtime
from claimwire.train.behaviour import BehaviourReport, CaseFailure, run_behaviour
from claimwire.train.shares import Share


def behaviour(model: str | None, output_format: str, folder: Path | None = None) -> int:
    """Run the behavioural suite; print a table by capability and the failures, or one JSON object.

    Args:
        model: release directory or registered model; None for the shipped release.
        output_format: ``"table"`` or ``"json"``.
        folder: another suite than the one that ships with claimwire.

    Returns:
        0, whatever the pass rate: what it must be is for the caller to say.
    """
    cases = load_behaviour(folder)
    release = load_release(resolve_release(model))
    with Console(stderr=True).status(f"judging {len(cases):,} cases"):
        report = run_behaviour(cases, Runtime(release))
    console = Console()
    if output_format == "json":
        content = {"model": release.id, **report.to_json()}
        console.out(json.dumps(content, indent=1), highlight=False)
    else:
        print_behaviour(console, f"{release.id} on {len(cases):,} behavioural cases", report)
    return 0


def print_behaviour(console: Console, title: str, report: BehaviourReport) -> None:
    """Print the pass rates by capability, then every failure with its text."""
    table = Table(title=title, title_justify="left")
    table.add_column("capability")
    for heading in ("passed", "of", "rate", "95% interval"):
        table.add_column(heading, justify="right")
    for name, share in report.by_capability.items():
        table.add_row(name, *_cells(share))
    table.add_section()
    table.add_row("all", *_cells(report.overall))
    console.print(table)
    for failure in report.failures:
        console.print(_described(failure), highlight=False, markup=False)


def _cells(share: Share) -> tuple[str, str, str, str]:
    low, high = share.ci95
    return str(share.hits), str(share.n), f"{share.rate:.3f}", f"{low:.2f} to {high:.2f}"


def _described(failure: CaseFailure) -> str:
    wanted = failure.expected or "one label for all"
    lines = [f"{failure.capability} {failure.number}: expected {wanted}"]
    for text, label, confidence in zip(
        failure.texts, failure.found, failure.confidence, strict=True
    ):
        lines.append(f"  {label} ({confidence:.2f}): {text}")
    return "\n".join(lines)
