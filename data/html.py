"""Web pages to article text, by trafilatura (the extra ``[files]``).

Offsets of sentences found in a web page count code points of the text that is returned here.
"""

from __future__ import annotations

import logging
import re
from configparser import ConfigParser
from types import ModuleType

from claimwire.data.errors import InputError, MissingExtraError

SNIFFED = 4_096
"""Characters looked at to tell a web page from text."""

_PAGE = re.compile(
    r"\s*(?:<\?xml[^<>]{0,200}>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_DECLARATION = re.compile(r"\s*<\?xml[^<>]{0,200}\?>")


def looks_like_html(text: str) -> bool:
    """Say whether text is a whole web page.

    Args:
        text: decoded text; its first 4,096 characters are looked at.

    Returns:
        True where it opens with a doctype or an html, head or body tag. Prose with a few tags left
        in it is not a page: sentences are found in it as it stands.
    """
    return bool(_PAGE.match(text[:SNIFFED].lstrip("\ufeff")))


def html_to_text(html: str) -> str:
    """Take the article out of a web page.

    Args:
        html: the page.

    Returns:
        The article's text, paragraphs separated by an empty line.

    Raises:
        MissingExtraError: trafilatura is not installed.
        InputError: the page holds no article text.
    """
    trafilatura = _trafilatura()
    page = _DECLARATION.sub("", html, count=1).replace("\x00", "")
    text: str | None = None
    if page.strip():
        text = trafilatura.extract(
            page, include_comments=False, include_tables=False, config=_config()
        )
        if not text or not text.strip():  # no marked-up paragraph: whatever text there is
            text = trafilatura.baseline(page)[1]
    paragraphs = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not paragraphs:
        raise InputError(
            f"expected a web page with an article in it, found no article text in {len(html)} "
            "characters of HTML: save the article's own page (not a frame or a page that scripts "
            "fill in), or give its text"
        )
    return "\n\n".join(paragraphs)


def _config() -> ConfigParser:
    """Return settings under which a short article is an article too."""
    from trafilatura.settings import use_config

    config: ConfigParser = use_config()
    for size in ("MIN_EXTRACTED_SIZE", "MIN_OUTPUT_SIZE"):
        config.set("DEFAULT", size, "1")
    return config


def _trafilatura() -> ModuleType:
    try:
        import trafilatura
    except ImportError as error:
        raise MissingExtraError("files", "reading HTML") from error
    # Its notes on discarded parts are no news to whoever tags an article.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    module: ModuleType = trafilatura
    return module
