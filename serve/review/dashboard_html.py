"""The dashboard as one HTML file that needs nothing else, for those who do not sign in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from claimwire.serve.review.dashboard import Figures, Sample
from claimwire.serve.review.dashboard_view import Links, Who, context_of
from claimwire.serve.review.web.view import environment
from claimwire.serve.review.whole_files import whole_files

_STATIC: Final = Path(__file__).parent / "web" / "static"
_STYLES: Final = ("desk.css", "dashboard.css")


def dashboard_html(figures: Figures, who: Who, sample: Sample = "random") -> str:
    """Return the dashboard as one page: no script, no link, nothing fetched.

    Args:
        figures: the figures.
        who: gives the name under which a reviewer is shown.
        sample: which judged sentences the confusion is of.
    """
    style = "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in _STYLES)
    links = Links(figures.release, are_on=False)
    template = environment().get_template("dashboard_export.html")
    return template.render(style=style, **context_of(figures, sample, links, who))


def write_dashboard(path: Path, page: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    with whole_files(path) as (stream,):
        stream.write(page)
