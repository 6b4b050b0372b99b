"""The exceptions that claimwire raises on purpose, drawn once.

::

    ClaimwireError
    ├── InputError              an article, record or file that cannot be read or tagged
    ├── CorpusError             labelled data that breaks the contract (file, line and field named)
    ├── ConfigError             a configuration file, key, value or override that is wrong
    ├── EncoderError            a base encoder that is missing, foreign or damaged
    ├── ReleaseError            a release that cannot be found or does not fit this version
    │   └── ReleaseIntegrityError   a release whose files are not the ones that were written
    ├── TrackingError           the MLflow server or registry cannot be used
    └── MissingExtraError       an optional part of claimwire is not installed

Every message says what was expected, what was found and what to do. ``exit_code`` is what the
command line returns when the error ends it: 2 for wrong usage, configuration or a missing file,
1 where a check or verification said no.
"""

from __future__ import annotations


class ClaimwireError(Exception):
    """Base of every error that claimwire raises on purpose."""

    exit_code: int = 2


class InputError(ClaimwireError):
    """An article, record or file cannot be read or tagged."""


class CorpusError(ClaimwireError):
    """Labelled data breaks the corpus contract; the message names file, line and field."""

    exit_code = 1


class ConfigError(ClaimwireError):
    """A configuration file, key, value or override is wrong."""


class EncoderError(ClaimwireError):
    """A base encoder is missing, of a foreign architecture, or damaged."""


class ReleaseError(ClaimwireError):
    """A release cannot be found, or does not fit this version of claimwire."""


class ReleaseIntegrityError(ReleaseError):
    """A release's files are not the ones that were written (sha256, missing or foreign file)."""

    exit_code = 1


class TrackingError(ClaimwireError):
    """The MLflow tracking server or model registry cannot be used."""


class MissingExtraError(ClaimwireError):
    """An optional part of claimwire is needed and not installed.

    Args:
        extra: name of the extra in pyproject.toml, such as ``"train"``.
        needed_for: what the caller was doing, such as ``"reading HTML"``.
    """

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the optional extra [{extra}], which is not installed: "
            f"run pip install 'claimwire[{extra}]'"
        )
        self.extra = extra
