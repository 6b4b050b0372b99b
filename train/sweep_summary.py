"""What a sweep's trials came to: a table, files for MLflow, and overrides to paste."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table

from claimwire.train.line_chart import Line, line_chart, standalone
from claimwire.train.study import REASON

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

TRIALS_CSV: Final = "trials.csv"
BEST_JSON: Final = "best.json"
HISTORY_CHART: Final = "history.svg"
SHOWN: Final = 30
"""Most rows of the printed table; the CSV has every trial."""
_STATES: Final = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}


def overrides_of(values: Mapping[str, Any]) -> list[str]:
    """Return ``key=value`` for each value, quoted for a shell, as the command line reads it."""
    return [shlex.quote(f"{key}={_as_yaml(value)}") for key, value in values.items()]


def _as_yaml(value: object) -> str:
    import yaml

    dumped: str = yaml.safe_dump([value], default_flow_style=True, width=10_000)
    return dumped.strip()[1:-1]


def sweep_table(trials: Sequence[FrozenTrial], best: FrozenTrial | None) -> Table:
    """Return one row a trial, the best by validation first; a failed one with its reason."""
    ranked = sorted(trials, key=_rank)
    title = f"{len(trials)} trial(s), best first"
    if len(trials) > SHOWN:
        title += f"; {SHOWN} shown"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("trial", justify="right")
    table.add_column("validation\nmacro-F1", justify="right")
    table.add_column("epochs", justify="right")
    table.add_column("values", overflow="fold")
    for trial in ranked[:SHOWN]:
        state = _STATES[trial.state.name]
        score = f"{trial.value:.3f}" if state == "finished" else state
        values = " ".join(f"{key}={_short(value)}" for key, value in trial.params.items())
        reason = str(trial.user_attrs.get(REASON, ""))
        table.add_row(
            f"{trial.number}{' *' if trial is best else ''}",
            score,
            str(len(trial.intermediate_values)),
            _plain(f"{values}\n{reason}" if reason else values),
        )
    return table


def write_sweep(
    trials: Sequence[FrozenTrial], best: FrozenTrial | None, folder: Path
) -> list[Path]:
    """Write the trials as CSV, the best as JSON and the course as a chart; return the files."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.params))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["trial", "state", "validation_primary_macro_f1", *keys, REASON])
    for trial in trials:
        state = _STATES[trial.state.name]
        score = trial.value if state == "finished" else ""
        values = [trial.params.get(key, "") for key in keys]
        writer.writerow([trial.number, state, score, *values, trial.user_attrs.get(REASON, "")])
    found = None
    if best is not None:
        found = {
            "trial": best.number,
            "validation_primary_macro_f1": best.value,
            "params": best.params,
        }
    texts = {
        TRIALS_CSV: table.getvalue(),
        BEST_JSON: json.dumps({"best": found}, indent=1) + "\n",
        HISTORY_CHART: _history(trials),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _history(trials: Sequence[FrozenTrial]) -> str:
    """Chart each finished trial's score, and the best so far, over the trials that count."""
    finished = [
        (float(place), trial.value)
        for place, trial in enumerate(trials, start=1)
        if trial.state.name == "COMPLETE" and trial.value is not None
    ]
    places = [place for place, _ in finished]
    scores = [score for _, score in finished]
    best_so_far = [max(scores[: index + 1]) for index in range(len(scores))]
    lines = [
        Line("trial", places, scores, 1, marks=True),
        Line("best so far", places, best_so_far, 0),
    ]
    highest = 4.0 * -(-max(len(trials), 1) // 4)  # four steps of the axis, each a whole number
    return standalone(
        line_chart(lines, "Validation macro-F1 by trial", "trial", "macro-F1", highest_x=highest)
    )


def _rank(trial: FrozenTrial) -> tuple[int, float]:
    order = list(_STATES).index(trial.state.name)
    return order, -trial.value if order == 0 and trial.value is not None else trial.number


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
