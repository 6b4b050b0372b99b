"""The dashboard's figures on the run in MLflow that made the release."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from claimwire.data.errors import InputError, MissingExtraError, TrackingError
from claimwire.model.references import (
    first_line,
    quick_requests,
    registry_client,
    tracking_uri,
)
from claimwire.serve.review.dashboard import Figures
from claimwire.serve.review.dashboard_view import Who

RELEASE_TAG: Final = "release"
"""Tag of a registered version that holds the release's identity, as ``claimwire train`` sets it."""

PREFIX: Final = "audit/"
"""What every metric begins with."""

FOLDER: Final = "audit"
"""Folder of the run's artifacts."""

_AT_ONCE: Final = 500
"""Most metrics that MLflow takes in one request, with room to spare."""

_UNLOGGABLE: Final = re.compile(r"[^\w\-. ]", re.ASCII)
_VERSIONS: Final = 200


def log_dashboard(figures: Figures, page: str, who: Who) -> str:
    """Log the figures of a release on its run.

    Metrics are of the step that is the number of decisions, so that the same state logged twice is
    the same. As artifacts the run gets ``audit/dashboard.html`` and ``audit/figures.json``.

    Args:
        figures: the figures.
        page: them as HTML.
        who: gives the name under which a reviewer is logged.

    Returns:
        where they went: the registered version, its run and the server.

    Raises:
        InputError: there is no release.
        MissingExtraError: MLflow is not installed.
        TrackingError: the server cannot be reached, or no registered version is this release.
    """
    if figures.release is None:
        raise InputError(
            "--log-to-mlflow: expected a release that predicted something, found none: import "
            "tagged articles first"
        )
    uri = tracking_uri()
    try:
        client = registry_client(uri)
    except MissingExtraError:
        raise MissingExtraError("train", "logging the dashboard to MLflow") from None
    from mlflow.exceptions import MlflowException

    try:
        with quick_requests():
            version = _version_of(client, figures.release, uri)
            _log(client, version.run_id, figures, page, who)
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"expected to log to MLflow at {uri}, found: {first_line(error)}: start the server, or "
            "correct MLFLOW_TRACKING_URI"
        ) from error
    return f"version {version.version} of {version.name}, run {version.run_id}, {uri}"


def _version_of(client: Any, release: str, uri: str) -> Any:
    """Return the registered version that is a release, the latest where there are several."""
    found = [each for each in _versions(client) if each.tags.get(RELEASE_TAG) == release]
    if not found:
        raise TrackingError(
            f"expected a registered version of {release} in {uri}, found none with this release as "
            "its tag: log where it was trained and registered, or set MLFLOW_TRACKING_URI"
        )
    latest = max(found, key=lambda each: each.creation_timestamp)
    if not latest.run_id:
        raise TrackingError(
            f"expected a run of version {latest.version} of {latest.name}, found none: it was "
            "registered without one"
        )
    return latest


def _versions(client: Any) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_model_versions("", max_results=_VERSIONS, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _log(client: Any, run_id: str, figures: Figures, page: str, who: Who) -> None:
    from mlflow.entities import Metric

    now, step = time.time_ns() // 1_000_000, figures.decisions
    metrics = [Metric(key, value, now, step) for key, value in metrics_of(figures, who)]
    for start in range(0, len(metrics), _AT_ONCE):
        client.log_batch(run_id, metrics=metrics[start : start + _AT_ONCE])
    client.log_text(run_id, page, f"{FOLDER}/dashboard.html")
    content = json.dumps(plain(figures, who), indent=1, ensure_ascii=True)
    client.log_text(run_id, content, f"{FOLDER}/figures.json")


def metrics_of(figures: Figures, who: Who) -> Iterator[tuple[str, float]]:
    """Yield the figures as metrics, by name; what is not known is left out."""
    for name, value in _named(figures, who):
        if value is not None:
            yield PREFIX + name, float(value)


def _named(figures: Figures, who: Who) -> Iterator[tuple[str, float | None]]:
    for each in figures.audit.estimates:
        yield f"{each.measure}/{each.label}", each.rate
        if each.rate is not None:
            yield f"{each.measure}_low/{each.label}", each.low
            yield f"{each.measure}_high/{each.label}", each.high
        yield f"{each.measure}_n/{each.label}", each.n
    yield "sample", figures.audit.sample
    yield "judged", figures.judged
    yield "disputed", figures.disputed
    yield from _matrix(figures)
    yield from _agreement(figures, who)
    for queue, (still_open, done) in figures.queues.items():
        yield f"queue_open/{queue.value}", still_open
        yield f"queue_done/{queue.value}", done
    yield "pace/verdicts", figures.pace.verdicts
    yield "pace/last_7_days", figures.pace.last_week
    for reviewer in figures.pace.reviewers:
        name = _key(who(reviewer.name))
        yield f"pace/per_day/{name}", reviewer.per_day
        yield f"pace/per_hour/{name}", reviewer.per_hour
    yield from _drift(figures)


def _matrix(figures: Figures) -> Iterator[tuple[str, float | None]]:
    for sample, matrix in figures.confusion.items():
        for predicted, row in matrix.counts.items():
            for judged, count in row.items():
                yield f"confusion_{sample}/{predicted}/{judged}", count


def _agreement(figures: Figures, who: Who) -> Iterator[tuple[str, float | None]]:
    found = figures.agreement
    yield "agreement/sentences", found.all.sentences
    if found.all.sentences:
        yield "agreement/same", found.all.same / found.all.sentences
    yield "alpha/primary", found.all.primary
    for label, alpha in found.all.labels.items():
        yield f"alpha/{label}", alpha
    for pair in found.pairs:
        yield f"kappa/{_key(who(pair.first))}/{_key(who(pair.second))}", pair.kappa


def _drift(figures: Figures) -> Iterator[tuple[str, float | None]]:
    found = figures.drift
    yield "drift/weeks", len(found.weeks)
    yield "drift/mix_weeks", len(found.other_mix)
    yield "drift/confidence_weeks", len(found.other_confidence)
    if not found.weeks:
        return
    last = found.weeks[-1]
    for name, difference in (("mix", last.mix), ("confidence", last.confidence)):
        yield f"drift/last_week_{name}_p", None if difference is None else difference.corrected
    yield "drift/last_week_confidence", last.quartiles[1]
    for label, count in last.labels.items():
        yield f"drift/last_week_share/{label}", count / last.sentences


def _key(name: str) -> str:
    """Return a name as MLflow takes it in a metric's name."""
    return _UNLOGGABLE.sub("_", name)


def plain(figures: Figures, who: Who) -> dict[str, Any]:
    """Return the figures as JSON can hold them, reviewers under the names that ``who`` gives."""
    content = asdict(figures)
    for pair in content["agreement"]["pairs"]:
        pair["first"], pair["second"] = who(pair["first"]), who(pair["second"])
    for reviewer in content["pace"]["reviewers"]:
        reviewer["name"] = who(reviewer["name"])
    days = content["pace"]["days"]
    content["pace"]["days"] = {
        day: {who(name): count for name, count in counts.items()} for day, counts in days.items()
    }
    return content
