"""claimwire tags the sentences of conflict reporting with the claims they make.

::

    from claimwire import Tagger

    tagger = Tagger.load()  # the shipped release; or a directory; or "models:/claimwire@champion"
    for sentence in tagger.tag(article):
        print(sentence.label, sentence.confidence, sentence.text)

The names in ``__all__`` are the public API. They are imported when first used, so that importing
``claimwire`` costs next to nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claimwire.data.errors import (
        ClaimwireError,
        ConfigError,
        CorpusError,
        EncoderError,
        InputError,
        MissingExtraError,
        ReleaseError,
        ReleaseIntegrityError,
        TrackingError,
    )
    from claimwire.data.labels import LABELS, Label
    from claimwire.data.segment import Removed, Segmentation, Span, segment
    from claimwire.serve.explain import Explanation, WordContribution
    from claimwire.serve.tagger import TaggedSentence, Tagger

# onnxruntime and MLflow report their use to their makers unless told not to before they are loaded.
for _variable in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"):
    os.environ.setdefault(_variable, "1")

__version__ = "0.1.0"

__all__ = [
    "LABELS",
    "ClaimwireError",
    "ConfigError",
    "CorpusError",
    "EncoderError",
    "Explanation",
    "InputError",
    "Label",
    "MissingExtraError",
    "ReleaseError",
    "ReleaseIntegrityError",
    "Removed",
    "Segmentation",
    "Span",
    "TaggedSentence",
    "Tagger",
    "TrackingError",
    "WordContribution",
    "__version__",
    "segment",
]

_HOME = {
    **dict.fromkeys(("LABELS", "Label"), "claimwire.data.labels"),
    **dict.fromkeys(("Removed", "Segmentation", "Span", "segment"), "claimwire.data.segment"),
    **dict.fromkeys(("Explanation", "WordContribution"), "claimwire.serve.explain"),
    **dict.fromkeys(("TaggedSentence", "Tagger"), "claimwire.serve.tagger"),
    **{name: "claimwire.data.errors" for name in __all__ if name.endswith("Error")},
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'claimwire' has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
