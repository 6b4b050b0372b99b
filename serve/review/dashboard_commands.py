"""``claimwire review dashboard``: the figures as a page of HTML, and to MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from claimwire.data.errors import MissingExtraError
from claimwire.serve.reports import say
from claimwire.serve.review.dashboard import Dashboard
from claimwire.serve.review.names import Pseudonyms
from claimwire.serve.review.store import ReviewStore

DEFAULT_FILE: Final = Path("artifacts/review/dashboard.html")
"""Where the page goes that is not told where."""


def dashboard(
    db: str | None,
    output: Path | None,
    release: str | None,
    *,
    real_names: bool,
    to_mlflow: bool,
) -> int:
    """Write the dashboard as one HTML file; returns 0.

    Args:
        db: the database; None for the default one.
        output: the file; None: :data:`DEFAULT_FILE`.
        release: whose predictions; None: the release imported last.
        real_names: name reviewers as they are called, not by pseudonyms.
        to_mlflow: log figures and page on the release's run as well.

    Raises:
        InputError: the database is not there, the release is unknown, or the file cannot be
            written.
        MissingExtraError: a package is not installed.
        TrackingError: MLflow cannot be used, or knows no such release.
    """
    try:
        from claimwire.serve.review.dashboard_html import dashboard_html, write_dashboard
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("jinja2", "markupsafe"):
            raise
        raise MissingExtraError("review", "claimwire review dashboard") from error
    path = output or DEFAULT_FILE
    with ReviewStore.open(db, create=False) as store:
        who = str if real_names else Pseudonyms(store)
        figures = Dashboard(store).board(release).figures
    page = dashboard_html(figures, who)
    write_dashboard(path, page)
    say(f"{path}: figures of {figures.release or 'no release'}, {figures.decisions:,} decisions")
    if to_mlflow:
        from claimwire.serve.review.dashboard_log import log_dashboard

        say(f"logged to {log_dashboard(figures, page, who)}")
    return 0
