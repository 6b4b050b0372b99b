"""The review desk, ``claimwire review`` (the extra ``[review]``).

Importing any module of this package needs the extra; ``claimwire tag`` imports none of them.
"""

from claimwire.data.errors import MissingExtraError

_EXTRA = frozenset({"alembic", "argon2", "sqlalchemy"})

try:
    import alembic  # noqa: F401
    import argon2  # noqa: F401
    import sqlalchemy  # noqa: F401
except ImportError as error:
    if (error.name or "").partition(".")[0] not in _EXTRA:
        raise
    raise MissingExtraError("review", "claimwire review") from error
