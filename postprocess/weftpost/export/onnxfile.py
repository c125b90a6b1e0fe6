"""Writes a network as an ONNX graph, from the same description as PyTorch's.

Masks are gone: the weights are zero there.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx

from ..peer.netfile import Input
from ..peer.spec import MaskedLayer, NetworkSpec
from .described import Described, Responding, Trained
from .graph import Graph
from .placed import Placed, place
from .words import input_and_output, title


def write_onnx(described: Described, path: Path, all_layers: bool) -> None:
    onnx.save_model(model_of(described, all_layers), str(path))


def model_of(described: Described, all_layers: bool = False) -> onnx.ModelProto:
    """all_layers: of a structure, those before the last are outputs too, features_0 and so on."""
    network = described.network
    graph = Graph(network.inputs)
    if isinstance(network, Trained):
        _trained(graph, network, described.output)
    else:
        _responding(graph, network, described.output, all_layers)
    words = f"{title(described)}\n\n{input_and_output(described)}"
    return graph.model("weft", words, described.about)


def _responding(graph: Graph, network: Responding, output: str, all_layers: bool) -> None:
    u, found = graph.x, []
    for i, layer in enumerate(network.layers):
        last = i == len(network.layers) - 1 and network.readout is None
        at = f"layers.{i}."
        h = _masked(graph, at, layer.placed, _input(graph, f"{at}input.", layer.input, u))
        norm = graph.op("Sqrt", _squares(graph, h))
        y = graph.op("Sub", norm, graph.numbers(f"{at}threshold", layer.threshold))
        name = output if last else f"features_{i}"
        members = layer.placed.members
        u = graph.op("Relu", y, name=name if members is None else None)
        if members is not None:
            energy = _pooled(graph, at, graph.op("Mul", u, u), members)
            u = graph.op("Sqrt", energy, name=name)
        found.append(u)
        if last or all_layers:
            graph.give(u, layer.placed.outputs)
    readout = network.readout
    if readout is not None:
        f = _joined(graph, found[readout.read_from :])
        _dense(graph, "output.", f, readout.weights, readout.bias, output)


def _trained(graph: Graph, network: Trained, output: str) -> None:
    spec, weights = network.spec, network.spec.weights
    u = _input(graph, "input.", network.input, graph.x)
    pooled, singles = [], []
    for i, layer in enumerate(spec.layers):
        u, single = _layer(graph, i, layer, spec, u)
        pooled += [u] if layer.read_pooled else []
        singles += [single] if single else []
    f = _joined(graph, pooled + singles) if spec.layers else u
    for i in range(len(spec.hidden)):
        at = f"hidden.{i}."
        matrix = graph.numbers(f"{at}weights", weights[f"hidden/{i}/weights"])
        f = graph.op("Relu", _norm(graph, at, spec, graph.op("Gemm", f, matrix, transB=1), None))
    _dense(graph, "output.", f, weights["output/weights"], weights["output/bias"], output)


def _layer(
    graph: Graph, i: int, layer: MaskedLayer, spec: NetworkSpec, u: str
) -> tuple[str, str | None]:
    """v, and the single units where they are read."""
    at = f"layers.{i}."
    placed = place(layer, spec.weights[f"layers/{i}/weights"])
    h = _masked(graph, at, placed, u)
    squares = _squares(graph, h)
    energy = squares if placed.members is None else _pooled(graph, at, squares, placed.members)
    raised = graph.op("Add", energy, graph.numbers("pool_epsilon", spec.pool_epsilon))
    over = graph.op(
        "Sub", graph.op("Sqrt", raised), graph.numbers(f"{at}threshold", layer.threshold)
    )
    v = _norm(graph, f"{at}pooled.", spec, graph.op("Relu", over), layer.pooled_channel)
    if not layer.read_single:
        return v, None
    flat = graph.op("Flatten", h, axis=1)
    return v, graph.op("Relu", _norm(graph, f"{at}single.", spec, flat, layer.single_channel))


def _input(graph: Graph, at: str, input_: Input, x: str) -> str:
    """Mean and variance one after the other: no difference of large numbers."""
    d = len(input_.mean)
    centred = graph.op("Sub", x, _mean(graph, at, x, d))
    variance = _mean(graph, at, graph.op("Mul", centred, centred), d)
    floor = graph.numbers(f"{at}contrast_floor", input_.contrast_floor)
    deviation = graph.op("Max", graph.op("Sqrt", variance), floor)
    contrast = graph.op("Div", centred, deviation)
    u = graph.op("Sub", contrast, graph.numbers(f"{at}mean", input_.mean))
    if input_.whitening is None:
        return u
    return graph.op("MatMul", u, graph.numbers(f"{at}whitening", input_.whitening))


def _mean(graph: Graph, at: str, x: str, d: int) -> str:
    """[n, d] -> [n, 1]. By sums of sums: runtimes add one by one, and lose a digit or two."""
    some = math.isqrt(d)
    more = -d % some
    padded = graph.op("Pad", x, graph.indices(f"{at}more", [0, 0, 0, more])) if more else x
    size = graph.indices(f"{at}square", [0, some, (d + more) // some])
    square = graph.op("Reshape", padded, size)
    sums = graph.op("ReduceSum", square, graph.indices("last", [2]), keepdims=0)
    total = graph.op("ReduceSum", sums, graph.indices("second", [1]), keepdims=1)
    return graph.op("Mul", total, graph.numbers(f"{at}one_of_d", 1 / d))


def _masked(graph: Graph, at: str, placed: Placed, u: str) -> str:
    """h [n, groups, p]."""
    weights = np.where(placed.mask, placed.weights, 0)
    if placed.windows is None:
        h = graph.op("Gemm", u, graph.numbers(f"{at}weights", weights), transB=1)
    else:
        seen = _pick(graph, f"{at}windows", u, placed.windows)
        h = graph.op("MatMul", seen, graph.numbers(f"{at}weights", weights.T))
    size = graph.indices(f"{at}groups", [0, placed.groups, placed.group_size])
    return graph.op("Reshape", h, size)


def _squares(graph: Graph, h: str) -> str:
    """Sums over the units of each group."""
    return graph.op("ReduceSum", graph.op("Mul", h, h), graph.indices("last", [2]), keepdims=0)


def _pooled(graph: Graph, at: str, energy: str, members: np.ndarray) -> str:
    picked = _pick(graph, f"{at}members", energy, members)
    return graph.op("ReduceSum", picked, graph.indices("last", [2]), keepdims=0)


def _pick(graph: Graph, name: str, u: str, index: np.ndarray) -> str:
    """[n, units] -> [n, *index.shape], 0 where the index is past the last."""
    padded = graph.op("Pad", u, graph.indices("one_more", [0, 0, 0, 1]))
    return graph.op("Gather", padded, graph.indices(name, index), axis=1)


def _norm(graph: Graph, at: str, spec: NetworkSpec, z: str, channel: np.ndarray | None) -> str:
    """A factor and an offset for each unit, from the running statistics."""
    names = (at.replace(".", "/") + name for name in ("scale", "shift", "mean", "variance"))
    scale, shift, mean, variance = (spec.weights[name].astype(float) for name in names)
    factor = scale / np.sqrt(variance + spec.norm_epsilon)
    offset = shift - mean * factor
    units = slice(None) if channel is None else channel
    scaled = graph.op("Mul", z, graph.numbers(f"{at}factor", factor[units]))
    return graph.op("Add", scaled, graph.numbers(f"{at}offset", offset[units]))


def _joined(graph: Graph, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else graph.op("Concat", *parts, axis=1)


def _dense(
    graph: Graph, at: str, f: str, weights: np.ndarray, bias: np.ndarray, output: str
) -> None:
    numbers = graph.numbers(f"{at}weights", weights), graph.numbers(f"{at}bias", bias)
    graph.op("Gemm", f, *numbers, transB=1, name=output)
    graph.give(output, len(bias))
