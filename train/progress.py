"""What a person sees while a run trains: one bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from transformers import TrainerCallback


def progress_callback(console: Console) -> TrainerCallback:
    """Return a Trainer callback that reports steps, loss and validation macro-F1."""
    from transformers import TrainerCallback

    class _ProgressBar(TrainerCallback):
        """Bar with steps and loss, and a line of validation figures an epoch."""

        def __init__(self) -> None:
            self._progress = Progress(
                TextColumn("[bold]training"),
                BarColumn(),
                TextColumn("step {task.completed:.0f}/{task.total:.0f}"),
                TextColumn("loss {task.fields[loss]}"),
                TimeRemainingColumn(),
                console=console,
                disable=not console.is_terminal,
            )
            self._task = self._progress.add_task("train", total=1, loss="-")

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._progress.update(self._task, total=state.max_steps, completed=state.global_step)
            self._progress.start()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._progress.update(self._task, completed=state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in kwargs["logs"]:
                self._progress.update(self._task, loss=f"{kwargs['logs']['loss']:.3f}")

        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            metrics = kwargs["metrics"]
            score = metrics.get("eval_primary_macro_f1")  # an encoder has none
            said = "" if score is None else f"validation macro-F1 {score:.3f}, "
            console.print(
                f"epoch {state.epoch or 0:g}: {said}loss {metrics['eval_loss']:.3f}",
                highlight=False,
            )

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._progress.stop()

    return _ProgressBar()
