"""``claimwire tag --engine ray``: partitions spread over workers by Ray Data, one tagger an actor.

Ray carries the names of partitions to actors and their records back; texts and rows never pass
through it. So it does not matter which worker makes a partition, or whether one dies: the work is
handed to another, which finds what is done already.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from claimwire.data.errors import ClaimwireError, InputError, MissingExtraError, ReleaseError
from claimwire.serve.convert import Kinds
from claimwire.serve.items import ReadOptions
from claimwire.serve.outputs import Format
from claimwire.serve.partitions import (
    Partition,
    Record,
    make_parquet,
    merged_kinds,
    tag_partition,
)
from claimwire.serve.sources import Remote, Source
from claimwire.serve.stores import Folder
from claimwire.serve.tagger import Tagger

MOST_BLOCKS: Final = 4_096
"""Most pieces that Ray keeps account of; beyond that one piece is several partitions."""

_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to a server
    "RAY_worker_niceness": "0",  # by default 15: beside any other work they would stand still
}
_STDERR: Final = 2


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker knows.

    Attributes:
        model: release directory or registered model, None for the shipped release.
        release: identity of the release that it has to be.
        threads: processor threads of one worker.
        reading: how inputs are read.
        form: JSON Lines or Parquet.
        folder: address or path of the output.
    """

    model: str | None
    release: str
    threads: int
    reading: ReadOptions
    form: Format
    folder: str


def tag_all(
    job: Job, partitions: Sequence[Partition], workers: int | None, on_done: Callable[[], None]
) -> list[Record]:
    """Tag partitions on Ray; return their records in the order of the partitions.

    Args:
        job: what to do with them.
        partitions: one or more.
        workers: number of actors; None for as many as there are processors (of the cluster) for.
        on_done: called after each partition.

    Raises:
        InputError: an input has changed, the folder cannot be written, or a worker failed.
        MissingExtraError: Ray is not installed.
    """
    records: dict[str, Record] = {}
    with _ray(job.threads * (workers or 1)) as ray:
        for name, record in _tagged(ray, job, partitions, workers):
            records[name] = record
            on_done()
        if job.form is Format.PARQUET:
            _make_parquet(ray, job, partitions, merged_kinds(records[p.name] for p in partitions))
    return [records[partition.name] for partition in partitions]


def _tagged(
    ray: Any, job: Job, partitions: Sequence[Partition], workers: int | None
) -> Iterator[tuple[str, Record]]:
    if workers is None:
        workers = int(ray.cluster_resources().get("CPU", 1)) // job.threads
    workers = max(1, min(workers, len(partitions)))
    tagged = _items(ray, partitions).map_batches(
        _Worker,
        fn_constructor_kwargs={"job": job},
        batch_size=1,
        # One at a time: what waits at a busy actor would not go to an idle one.
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
        num_cpus=job.threads,
    )
    for row in tagged.iter_rows():
        yield row["name"], _record(row["outcome"])


def _make_parquet(ray: Any, job: Job, partitions: Sequence[Partition], kinds: Kinds) -> None:
    """Make Parquet of rows, with the same columns in every partition."""

    def convert(item: dict[str, str]) -> dict[str, str]:
        partition = _of_json(item["partition"])
        return _outcome(partition, lambda: make_parquet(partition, kinds, Folder(job.folder)))

    for row in _items(ray, partitions).map(convert).iter_rows():
        _record(row["outcome"])


def _items(ray: Any, partitions: Sequence[Partition]) -> Any:
    items = [{"partition": _to_json(partition)} for partition in partitions]
    return ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS))


class _Worker:
    """An actor: one tagger, for one partition after the other."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._tagger: Tagger | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        partitions = [_of_json(text) for text in batch["partition"]]
        outcomes = [_outcome(partition, partial(self._tag, partition)) for partition in partitions]
        return {name: [outcome[name] for outcome in outcomes] for name in ("name", "outcome")}

    def _tag(self, partition: Partition) -> Record:
        job = self._job
        if self._tagger is None:  # not before: Ray starts actors that fail again without end
            self._tagger = _loaded(job)
        return tag_partition(self._tagger, partition, job.reading, job.form, Folder(job.folder))


def _loaded(job: Job) -> Tagger:
    tagger = Tagger.load(job.model, threads=job.threads)
    if tagger.model != job.release:
        raise ReleaseError(
            f"expected {job.release} on every worker, found {tagger.model}: install the same "
            "claimwire everywhere, or name a version instead of an alias"
        )
    return tagger


def _outcome(partition: Partition, work: Callable[[], Record]) -> dict[str, str]:
    """Return a record, or why there is none: Ray would bury an exception in pages of its own."""
    try:
        outcome = asdict(work())
    except ClaimwireError as error:
        outcome = {"failed": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver raises it
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        outcome = {
            "failed": f"{partition.source.given}: expected a worker that comes to its end, found "
            f"{reason}: mend the cause and go on with --resume"
        }
    return {"name": partition.name, "outcome": json.dumps(outcome)}


def _record(outcome: str) -> Record:
    content = json.loads(outcome)
    if "failed" in content:
        raise InputError(content["failed"])
    return Record(**content)


def _to_json(partition: Partition) -> str:
    source = asdict(partition.source)
    if partition.source.path is not None:
        source["path"] = str(partition.source.path.absolute())  # a worker may stand elsewhere
    return json.dumps({"name": partition.name, "source": source})


def _of_json(text: str) -> Partition:
    content = json.loads(text)
    source = content["source"]
    path, remote = source.pop("path"), source.pop("remote")
    return Partition(
        content["name"],
        Source(
            **source,
            path=None if path is None else Path(path),
            remote=None if remote is None else Remote(**remote),
        ),
    )


@contextmanager
def _ray(processors: int) -> Iterator[Any]:
    """Give Ray, started here unless it runs already or RAY_ADDRESS names a cluster."""
    ray = import_ray()
    started = not ray.is_initialized()
    with _hushed():
        try:
            if started:
                start(ray, processors)
            yield ray
        except ray.exceptions.RayError as error:
            first = next((line for line in str(error).splitlines() if line.strip()), "no reason")
            raise InputError(
                f"--engine ray: expected workers that come to their end, found: {first[:300]}: "
                "mend the cause and go on with --resume"
            ) from error
        finally:
            if started:
                ray.shutdown()


def import_ray() -> Any:
    """Return the module ``ray``, which reports nothing to anybody.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("ray", "--engine ray") from error
    return ray


def start(ray: Any, processors: int) -> None:
    """Start Ray on this machine, or connect to the cluster that RAY_ADDRESS names; quietly.

    Args:
        ray: the module.
        processors: the least number that it is to believe there are, so that no actor waits.

    Raises:
        InputError: it does not start, or there is no such cluster.
    """
    address = os.environ.get("RAY_ADDRESS")
    here: dict[str, Any] = {
        "address": "local",
        "num_cpus": max(processors, _processors()),
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",  # else it looks for its way to the internet
    }
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **({} if address else here))
    except (OSError, RuntimeError, ValueError) as error:
        where = f"a cluster at {address} (RAY_ADDRESS)" if address else "Ray to start"
        raise InputError(
            f"--engine ray: expected {where}, found: {' '.join(str(error).split())[:300]}: "
            "correct or unset RAY_ADDRESS, or use the local engine"
        ) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what matters is raised


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep what Ray's native code writes to file descriptor 2 off it: Ray's own log has it too.

    What Python writes to ``sys.stderr`` still gets there.
    """
    before = sys.stderr
    if before is not sys.__stderr__ or before is None or before.fileno() != _STDERR:
        yield
        return
    before.flush()
    kept, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        with os.fdopen(kept, "w", 1, before.encoding, before.errors, closefd=False) as sys.stderr:
            yield
    finally:
        sys.stderr = before
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
