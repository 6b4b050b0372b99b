"""A release as an MLflow pyfunc model: a column of sentences in, labels and scores out.

MLflow runs this file when it loads the model ("models from code"), so nothing is pickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow.pyfunc.model import PythonModel  # noqa: TID253 - this file exists for mlflow alone

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature


class ClaimwireModel(PythonModel):
    """Tags the sentences of the column ``text`` with the release it was logged with."""

    def load_context(self, context: Any) -> None:
        """Load the release, verifying its files."""
        from claimwire.model.release import load_release
        from claimwire.model.runtime import Runtime

        self._runtime = Runtime(load_release(Path(context.artifacts["release"])))

    def predict(  # type: ignore[no-untyped-def]
        self, context, model_input, params=None
    ) -> pd.DataFrame:
        """Return one row a sentence: label, labels, the four scores, confidence, needs_review.

        Raises:
            MlflowException: a row has no text; over HTTP that is a 400.
        """
        import pandas as pd
        from mlflow.exceptions import MlflowException

        texts = list(model_input["text"])
        for row, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                found = f"{text!r}" if isinstance(text, str) else f"{text} ({type(text).__name__})"
                raise MlflowException.invalid_parameter_value(
                    f"text: expected a sentence in each row, found {found[:80]} in row {row} "
                    "(from 0): give its text, or leave the row out"
                )
        decisions = self._runtime.predict(texts)
        return pd.DataFrame(
            [
                {
                    "label": str(decision.label),
                    "labels": ",".join(decision.labels),
                    **{str(label): score for label, score in decision.scores.items()},
                    "confidence": decision.confidence,
                    "needs_review": decision.needs_review,
                }
                for decision in decisions
            ],
            columns=[column.name for column in signature().outputs],
        )


def signature() -> ModelSignature:
    """Return the model's input and output columns."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, DataType, Schema

    from claimwire.data.labels import LABELS

    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema(
            [
                ColSpec(DataType.string, "label"),
                ColSpec(DataType.string, "labels"),
                *(ColSpec(DataType.double, str(label)) for label in LABELS),
                ColSpec(DataType.double, "confidence"),
                ColSpec(DataType.boolean, "needs_review"),
            ]
        ),
    )


def input_example() -> pd.DataFrame:
    """Return an input as the signature wants it."""
    import pandas as pd

    return pd.DataFrame({"text": ["Two drones were shot down over the strait on Friday."]})


def requirements() -> list[str]:
    """Return what an environment needs to serve the model."""
    from importlib.metadata import version

    return [f"claimwire=={version('claimwire')}", f"mlflow=={version('mlflow')}", "pandas"]


if __name__ != "claimwire.model.pyfunc":  # MLflow runs the file under a name of its own
    import mlflow

    mlflow.models.set_model(ClaimwireModel())
