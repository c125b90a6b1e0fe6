"""Runs an ONNX model: by onnx's reference evaluator where it has one (1.13 and newer).

Else by the definitions of the few operators (onnx's docs/Operators.md, opset 13) in numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def run(path: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every output by its name."""
    model = onnx.load_model(str(path))
    try:
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        return evaluate(model, x)
    names = [output.name for output in model.graph.output]
    return dict(zip(names, ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})))


def evaluate(model: onnx.ModelProto, x: np.ndarray) -> dict[str, np.ndarray]:
    graph = model.graph
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    values[graph.input[0].name] = x
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] for name in node.input]
        values[node.output[0]] = OPERATORS[node.op_type](*inputs, **attributes)
    return {output.name: values[output.name] for output in graph.output}


def gemm(a: np.ndarray, b: np.ndarray, c: Any = 0.0, transB: int = 0) -> np.ndarray:
    product: np.ndarray = a @ (b.T if transB else b) + np.asarray(c, a.dtype)
    return product


def pad(x: np.ndarray, pads: np.ndarray) -> np.ndarray:
    """Begins of all axes, then ends."""
    begins, ends = pads[: x.ndim], pads[x.ndim :]
    return np.pad(x, list(zip(begins, ends)))


def reshape(x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """0: as it is."""
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def flatten(x: np.ndarray, axis: int) -> np.ndarray:
    return x.reshape(int(np.prod(x.shape[:axis])), -1)


def reduce_sum(x: np.ndarray, axes: np.ndarray, keepdims: int) -> np.ndarray:
    total: np.ndarray = x.sum(axis=tuple(axes), keepdims=bool(keepdims))
    return total


def reduce_mean(x: np.ndarray, axes: list[int], keepdims: int) -> np.ndarray:
    mean: np.ndarray = x.mean(axis=tuple(axes), keepdims=bool(keepdims))
    return mean


OPERATORS: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Div": np.divide,
    "Flatten": flatten,
    "Gather": lambda data, indices, axis: np.take(data, indices, axis),
    "Gemm": gemm,
    "MatMul": np.matmul,
    "Max": np.maximum,
    "Mul": np.multiply,
    "Pad": pad,
    "ReduceMean": reduce_mean,
    "ReduceSum": reduce_sum,
    "Relu": lambda x: np.maximum(x, np.float32(0)),
    "Reshape": reshape,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
}
