"""``claimwire serve``: settings, tokens and release checked, then served."""

from __future__ import annotations

import os
from typing import Final

from claimwire.data.errors import MissingExtraError
from claimwire.serve.http.settings import ServeSettings
from claimwire.serve.http.tokens import TOKENS_VARIABLE, load_tokens

_EXTRA: Final = frozenset({"fastapi", "starlette", "uvicorn", "prometheus_client"})
"""Import names of what the extra [serve] installs."""


def serve(settings: ServeSettings) -> int:
    """Serve a release over HTTP until told to stop.

    Returns:
        0, after everything accepted was answered.

    Raises:
        MissingExtraError: the extra [serve] is not installed.
        ConfigError: a setting is wrong, the tokens cannot be read, a public address has none, or
            the address cannot be listened on.
        ReleaseError: the model cannot be loaded.
    """
    tokens = load_tokens(settings.tokens_file, os.environ.get(TOKENS_VARIABLE))
    settings.check_exposure(has_tokens=len(tokens) > 0)
    try:
        from claimwire.serve.http.server import run
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError("serve", "claimwire serve") from error
    from claimwire.model.references import resolve_release
    from claimwire.model.release import load_release

    run(load_release(resolve_release(settings.model)), settings, tokens)
    return 0
