"""Weft's network in PyTorch, from its formulas (include/weft/network.h) and not from its program.

It is that of `export`, of samples that are preprocessed and with the weights of connections alone.

Products are dense, over a matrix into which the weights of the connections are put: on a CPU that
is the fastest that PyTorch offers at densities of a few in a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..export import state
from ..export.parts import network as parts
from ..export.placed import place
from .spec import MaskedLayer, NetworkSpec


class Connected(parts.Layer):
    place: torch.Tensor
    row: torch.Tensor | None

    def __init__(
        self, layer: MaskedLayer, own: parts.LayerShape, shape: parts.NetworkShape
    ) -> None:
        super().__init__(own, shape)
        p = layer.group_size
        self.size = (layer.groups * p, layer.inputs)
        self.weights = nn.Parameter(torch.empty(layer.rows, p))
        del self.mask, self.windows  # weights are where connections are
        group = np.repeat(np.arange(layer.groups), np.diff(layer.start))
        atoms = group[:, None] * p + np.arange(p)
        # A connection may join its input to a group twice, so weights are added, not set.
        places = atoms * layer.inputs + layer.input[:, None]
        self.register_buffer("place", _index(places).flatten())
        self.register_buffer("row", None if layer.row is None else _index(layer.row))

    def matrix(self) -> torch.Tensor:
        """[groups p, inputs], zero where there is no connection."""
        weights = self.weights if self.row is None else self.weights[self.row]
        flat = weights.new_zeros(self.size[0] * self.size[1])
        return flat.index_add(0, self.place, weights.flatten()).view(self.size)

    def respond(self, u: torch.Tensor) -> torch.Tensor:
        h = functional.linear(u, self.matrix())
        return h.reshape(-1, self.shape.groups, self.shape.group_size)


class Network(parts.Network):
    """Of preprocessed samples [n, inputs]; gives logits [n, classes]."""

    def __init__(self, spec: NetworkSpec) -> None:
        layers = tuple(parts.LayerShape(**_shape(layer)) for layer in spec.layers)
        shape = parts.NetworkShape(layers=layers, **state.network_shape(spec, None))
        super().__init__(shape)
        self.input = nn.Identity()
        own = zip(spec.layers, layers)
        self.layers = nn.ModuleList([Connected(layer, fields, shape) for layer, fields in own])
        here, connections = self.state_dict(), state.connections_state(spec)
        self._copy({name: connections[name] for name in connections.keys() & here.keys()})
        self.start()

    def start(self) -> None:
        """Uniform: dense weights within sqrt(1/inputs), masked ones within sqrt(3/connections)."""
        for layer in self.layers:
            connections = max(1.0, len(layer.place) / layer.size[0])
            _uniform(layer.weights, (3 / connections) ** 0.5)
        for dense in (*self.hidden, self.output):
            _uniform(dense.weights, (1 / dense.weights.shape[1]) ** 0.5)

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """By the names of the file's /weights."""
        self._copy({state.name_of(name): values for name, values in weights.items()})

    def _copy(self, numbers: state.State) -> None:
        here = self.state_dict()
        with torch.no_grad():
            for name, values in numbers.items():
                here[name].copy_(torch.from_numpy(values))


def _shape(layer: MaskedLayer) -> dict[str, Any]:
    return state.layer_shape(layer, place(layer, np.zeros((layer.rows, layer.group_size))))


def _uniform(weights: nn.Parameter, bound: float) -> None:
    nn.init.uniform_(weights, -bound, bound)


def _index(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.int64))
