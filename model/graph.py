"""A small builder of ONNX graphs: nodes and weights with names, written as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

OPSET: Final = 17
"""First opset with LayerNormalization; every onnxruntime of the last years runs it."""
IR_VERSION: Final = 8
CONTRIB: Final = "com.microsoft"
"""Domain of the operators that onnxruntime has beyond the standard: fused and int8 products."""


class GraphBuilder:
    """Collects nodes in order; every method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def weight(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant tensor."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        *,
        domain: str = "",
        outputs: Sequence[str] | None = None,
        **attributes: Any,
    ) -> str:
        """Add a node; an empty input name leaves that optional input out."""
        from onnx import helper

        self.nodes.append(
            helper.make_node(
                operator, list(inputs), list(outputs or [name]), name, domain=domain, **attributes
            )
        )
        return name

    def fused(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add one of onnxruntime's own operators."""
        return self.node(operator, inputs, name, domain=CONTRIB, **attributes)


def save_graph(
    nodes: Sequence[Any],
    initializers: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    path: Path,
) -> None:
    """Check a graph and write it as one file, weights inside; the same graph, the same bytes."""
    import onnx
    from onnx import helper

    graph = helper.make_graph(nodes, "claimwire", inputs, outputs, initializers)
    model = helper.make_model(
        graph,
        producer_name="claimwire",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
