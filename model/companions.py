"""Distributions that hold large files beside claimwire, so that its own wheel stays light.

``packages/NAME`` in the repository is the source of each; in a clone it is found there, elsewhere
where it is installed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

PACKAGES: Final = Path(__file__).resolve().parents[1] / "packages"


def companion_directory(distribution: str) -> Path | None:
    """Return the directory of a distribution's files without running its code; None: not there.

    Args:
        distribution: its name, such as ``claimwire-encoder``.
    """
    module = distribution.replace("-", "_")
    # find_spec of a top-level name reads no code.
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    directory = PACKAGES / distribution / "src" / module
    return directory if directory.is_dir() else None
