"""Which words drove a prediction, asked of the model one sentence at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from claimwire.serve.tagger import Tagger

if TYPE_CHECKING:
    from claimwire.serve.explain import Explanation

KEPT: Final = 500
"""Explanations remembered."""

WAITING: Final = 4
"""Explanations waited for at once; more would take the threads that save decisions."""


class TooBusyError(Exception):
    """Enough explanations are waited for already."""


class Explainer:
    """A tagger that is loaded when it is first asked, and asked by one thread at a time.

    Args:
        model: release directory or registered model; None for the shipped release.
    """

    def __init__(self, model: str | None) -> None:
        self._model = model
        self._tagger: Tagger | None = None
        self._kept: OrderedDict[tuple[str, str], Explanation] = OrderedDict()
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(WAITING)

    def explain(self, text: str, label: str) -> tuple[str, Explanation]:
        """Explain a label of a sentence.

        Returns:
            the release that explains, and its explanation.

        Raises:
            ReleaseError: the model cannot be loaded.
            InputError: there is no such label.
            TooBusyError: as many are waited for as may be.
        """
        if not self._room.acquire(blocking=False):
            raise TooBusyError
        try:
            return self._explain(text, label)
        finally:
            self._room.release()

    def _explain(self, text: str, label: str) -> tuple[str, Explanation]:
        with self._lock:
            if self._tagger is None:
                # One thread: explanations must not take the processor from saving decisions.
                self._tagger = Tagger.load(self._model, threads=1)
            found = self._kept.get((text, label))
            if found is None:
                found = self._tagger.explain(text, label)
            self._kept[text, label] = found
            self._kept.move_to_end((text, label))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._tagger.model, found
