"""One run in several processes: the first does it all, the others only train along.

``accelerate launch`` and ``torchrun`` start the same command several times and tell each copy its
rank. Configuration, data, run folder, MLflow, console and release are the business of rank 0
alone; where it fine-tunes it sends the others what it fine-tunes, and they join in. So whatever
makes one network or many (seeds, folds, a teacher) need not know how many processes there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from claimwire.data.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

T = TypeVar("T")
_LONGEST_WAIT: Final = timedelta(days=1)
"""How long the others wait for rank 0 while it measures, tests and writes."""


@dataclass(slots=True)
class _Team:
    """The group that rank 0 sends its work over; None: this process is alone."""

    channel: ProcessGroup | None = None
    at_work: bool = False


_TEAM: Final = _Team()


def process_count() -> int:
    """Return how many processes the launcher has started, 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_process_count() -> int:
    """Return how many of the processes share this machine's processors, 1 or more."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def lead_or_follow(work: Callable[[], int]) -> int:
    """Do a command's work in rank 0 and help it in the others.

    Args:
        work: does the command and returns its exit code.

    Returns:
        The exit code: in rank 0 that of ``work``, in the others 0.

    Raises:
        MissingExtraError: there are several processes and the extra [train] is not installed.
    """
    if process_count() == 1:
        return work()
    rank = _join()
    try:
        if rank == 0:
            return _lead(work)
        while (task := _exchange(None)) is not None:
            _do(*task, {})
        _leave()
        return 0
    finally:
        _TEAM.channel = None


def call_in_all(function: Callable[..., T], *arguments: Any, **here: Any) -> T:
    """Call a function in every process and return what it returns here.

    Alone, or within a call that is everybody's already, it is a plain call.

    Args:
        function: of a module, so that the other processes find it by its name.
        arguments: for it; they are pickled.
        here: keyword arguments in this process alone.
    """
    if _TEAM.channel is None or _TEAM.at_work:
        return function(*arguments, **here)
    _exchange((function, arguments))
    return _do(function, arguments, here)


def require_single_process(command: str) -> None:
    """Refuse several processes where each would do the whole work.

    Raises:
        ConfigError: the launcher has started more than one.
    """
    if process_count() > 1:
        raise ConfigError(
            f"{command}: expected a single process, found {process_count()}: start it without "
            "accelerate launch or torchrun"
        )


def _join() -> int:
    """Meet the other processes and return this one's rank."""
    try:
        import torch
        from accelerate import PartialState  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("train", "training in several processes") from error
    # The Trainer finds the group that this makes, NCCL between GPUs and gloo between processors.
    state = PartialState(cpu=not torch.cuda.is_available())
    # Work goes over gloo in both cases: waiting for hours must not keep a GPU busy.
    _TEAM.channel = torch.distributed.new_group(backend="gloo", timeout=_LONGEST_WAIT)
    return int(state.process_index)


def _lead(work: Callable[[], int]) -> int:
    try:
        return work()
    finally:
        # An error within common work leaves the others in the midst of it: the launcher ends them.
        if not _TEAM.at_work:
            _exchange(None)
            _leave()


def _leave() -> None:
    import torch

    torch.distributed.destroy_process_group()


def _exchange(
    task: tuple[Callable[..., Any], tuple[Any, ...]] | None,
) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """Send rank 0's task to all and return it; None: there is nothing left to do."""
    import torch

    box = [task]
    torch.distributed.broadcast_object_list(box, src=0, group=_TEAM.channel)
    return box[0]


def _do(function: Callable[..., T], arguments: tuple[Any, ...], here: Mapping[str, Any]) -> T:
    _TEAM.at_work = True
    result = function(*arguments, **here)
    _TEAM.at_work = False  # stays True after an error: see _lead
    return result
