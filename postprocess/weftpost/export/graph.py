"""Builds an ONNX graph, node after node. Everything is float32 but indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13  # of 2020: what any runtime of today reads
IR_VERSION = 7
BATCH = "batch"


class Graph:
    def __init__(self, inputs: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.outputs: list[onnx.ValueInfoProto] = []
        self.x = "x"
        self._input = helper.make_tensor_value_info(self.x, TensorProto.FLOAT, [BATCH, inputs])
        self._used: dict[str, int] = {}

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """The name of what the node gives: as wanted, or of its kind and number."""
        output = name or self._name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def numbers(self, name: str, values: Any) -> str:
        return self._constant(name, np.asarray(values, np.float32))

    def indices(self, name: str, values: Any) -> str:
        return self._constant(name, np.asarray(values, np.int64))

    def give(self, name: str, units: int) -> None:
        """Makes it an output of the graph."""
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, units])
        self.outputs.append(value)

    def model(self, name: str, words: str, about: dict[str, str]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, name, [self._input], self.outputs, list(self.constants.values())
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, producer_name="weftpost", doc_string=words, opset_imports=opset
        )
        model.ir_version = IR_VERSION
        helper.set_model_props(model, about)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _constant(self, name: str, values: np.ndarray) -> str:
        """Once for each name: a second time it is the same."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def _name(self, kind: str) -> str:
        self._used[kind] = self._used.get(kind, -1) + 1
        return f"{kind}_{self._used[kind]}"
