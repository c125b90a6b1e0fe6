"""Writes a network as a Python module of its own and its state dict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import state as numbers
from .described import Described, Responding, Trained
from .placed import place
from .words import docstring

PARTS = Path(__file__).parent / "parts"
MARK = "# --- from here on"
HEAD = '''"""{words}"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
'''
TAIL = '''

SHAPE = {shape}


def load(path: str | Path | None = None) -> Network:
    """The network with the numbers of a state dict, by default the one beside this file.

    It is in eval mode; network.train() is for training.
    """
    state = path or Path(__file__).with_name("{state}")
    # Tensors alone are read, where this PyTorch can be told so.
    can = "weights_only" in inspect.signature(torch.load).parameters
    safe = {{"weights_only": True}} if can else {{}}
    network = Network(SHAPE)
    network.load_state_dict(torch.load(state, map_location="cpu", **safe))
    return network.eval()
'''


def module_text(described: Described, state_name: str) -> str:
    network = described.network
    kind = "structure" if isinstance(network, Responding) else "network"
    parts = "".join(_part(name) for name in ("common", kind))
    head = HEAD.format(words=docstring(described, Path(state_name).stem))
    return head + parts + TAIL.format(shape=_shape(network), state=state_name)


def write_state(described: Described, path: Path) -> None:
    state = state_of(described.network)
    torch.save({name: _tensor(values) for name, values in state.items()}, path)


def state_of(network: Responding | Trained) -> numbers.State:
    if isinstance(network, Trained):
        return {
            **numbers.input_state("input.", network.input),
            **numbers.connections_state(network.spec),
            **numbers.weights_state(network.spec),
        }
    found = numbers.structure_state(network.layers)
    if network.readout is not None:
        found |= {"output.weights": network.readout.weights, "output.bias": network.readout.bias}
    return found


def _tensor(values: np.ndarray) -> torch.Tensor:
    wanted = {"f": np.float32, "i": np.int64, "b": np.bool_}[values.dtype.kind]
    return torch.from_numpy(np.ascontiguousarray(values, wanted))


def _part(name: str) -> str:
    text = (PARTS / f"{name}.py").read_text(encoding="utf-8")
    return text[text.index("\n", text.index(MARK)) + 1 :]


def _shape(network: Responding | Trained) -> str:
    if isinstance(network, Trained):
        spec = network.spec
        layers = [
            numbers.layer_shape(layer, place(layer, np.zeros((layer.rows, layer.group_size))))
            for layer in spec.layers
        ]
        return _call("NetworkShape", layers, numbers.network_shape(spec, network.input))
    layers = [
        {
            **numbers.masked_shape(layer.placed, layer.threshold),
            "contrast_floor": layer.input.contrast_floor,
        }
        for layer in network.layers
    ]
    readout = network.readout
    read = {} if readout is None else {"classes": network.outputs, "read_from": readout.read_from}
    return _call("StructureShape", layers, read)


def _call(name: str, layers: list[dict[str, Any]], fields: dict[str, Any]) -> str:
    """As it stands in the module, a field a line."""
    lines = []
    for layer in layers:
        lines += ["        LayerShape(", *_fields(layer, 12), "        ),"]
    tuple_ = ["    layers=(", *lines, "    ),"] if layers else ["    layers=(),"]
    return "\n".join([f"{name}(", *tuple_, *_fields(fields, 4), ")"])


def _fields(fields: dict[str, Any], indent: int) -> list[str]:
    return [f"{' ' * indent}{name}={value!r}," for name, value in fields.items()]
