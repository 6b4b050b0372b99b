"""The dashboard as one HTML file that needs nothing else, for those who do not sign in."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from claimwire.data.errors import InputError
from claimwire.serve.review.dashboard import Figures, Sample
from claimwire.serve.review.dashboard_view import Links, Who, context_of
from claimwire.serve.review.web.view import environment

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
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8", errors="replace")
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: expected to write there, found: {error.strerror or error}: check the folder, "
            "its permissions and the free space"
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink()
