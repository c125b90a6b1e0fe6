"""Weft's network in PyTorch, from its formulas (include/weft/network.h) and not from its program.

Products are dense, over a matrix into which the weights of the connections are put: on a CPU that
is the fastest that PyTorch offers at densities of a few in a hundred.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .spec import MaskedLayer, NetworkSpec


class Norm(nn.Module):
    """Batch normalisation by channels, which units may share."""

    def __init__(self, units: int, channel: np.ndarray | None, spec: NetworkSpec) -> None:
        super().__init__()
        count = units if channel is None else int(channel.max()) + 1
        self.epsilon, self.momentum = spec.norm_epsilon, spec.norm_momentum
        self.scale = nn.Parameter(torch.ones(count))
        self.shift = nn.Parameter(torch.zeros(count))
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("variance", torch.ones(count))
        self.channel = None if channel is None else _index(channel)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        if self.channel is not None:
            return self._shared(z)
        state = self.mean, self.variance, self.scale, self.shift
        return functional.batch_norm(z, *state, self.training, self.momentum, self.epsilon)

    def _shared(self, z: torch.Tensor) -> torch.Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            mean = self._average(z.mean(0))
            variance = self._average(((z - mean[self.channel]) ** 2).mean(0))
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance, self.momentum)
        factor = self.scale * torch.rsqrt(variance + self.epsilon)
        return z * factor[self.channel] + (self.shift - mean * factor)[self.channel]

    def _average(self, of_units: torch.Tensor) -> torch.Tensor:
        sums = torch.zeros_like(self.mean).index_add(0, self.channel, of_units)
        return sums / torch.bincount(self.channel, minlength=len(sums))


class Masked(nn.Module):
    def __init__(self, layer: MaskedLayer, spec: NetworkSpec) -> None:
        super().__init__()
        p = layer.group_size
        self.shape, self.threshold = (layer.groups * p, layer.inputs), layer.threshold
        self.weights = nn.Parameter(torch.empty(layer.rows, p))
        group = np.repeat(np.arange(layer.groups), np.diff(layer.start))
        atoms = group[:, None] * p + np.arange(p)
        # A connection may join its input to a group twice, so weights are added, not set.
        self.register_buffer("place", _index(atoms * layer.inputs + layer.input[:, None]).flatten())
        self.register_buffer("row", None if layer.row is None else _index(layer.row))
        self._set_pools(layer)
        self.epsilon = spec.pool_epsilon
        self.pooled = Norm(layer.pools, layer.pooled_channel, spec)
        singles = layer.groups * p
        self.single = Norm(singles, layer.single_channel, spec) if layer.read_single else None

    def _set_pools(self, layer: MaskedLayer) -> None:
        """Runs of equal pools, the common case, are a reshape; others are an index."""
        p, self.pools = layer.group_size, layer.pools
        self.atoms = self.pool_of = None
        if layer.pool_start is not None and layer.pool_group is not None:
            pool = np.repeat(np.arange(layer.pools), np.diff(layer.pool_start))
            self.atoms = _index((layer.pool_group[:, None] * p + np.arange(p)).flatten())
            self.pool_of = _index(np.repeat(pool, p))

    def matrix(self) -> torch.Tensor:
        """[groups p, inputs], zero where there is no connection."""
        weights = self.weights if self.row is None else self.weights[self.row]
        flat = weights.new_zeros(self.shape[0] * self.shape[1])
        return flat.index_add(0, self.place, weights.flatten()).view(self.shape)

    def forward(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Normalised pooled units, and rectified single units where they are read."""
        h = functional.linear(u, self.matrix())
        energy = self._energy(h**2)
        y = torch.relu(torch.sqrt(energy + self.epsilon) - self.threshold)
        return self.pooled(y), None if self.single is None else torch.relu(self.single(h))

    def _energy(self, squares: torch.Tensor) -> torch.Tensor:
        if self.atoms is None:
            return squares.view(len(squares), self.pools, -1).sum(2)
        none = squares.new_zeros(len(squares), self.pools)
        return none.index_add(1, self.pool_of, squares[:, self.atoms])


class Hidden(nn.Module):
    def __init__(self, inputs: int, units: int, spec: NetworkSpec) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(units, inputs))
        self.norm = Norm(units, None, spec)

    def forward(self, f: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(functional.linear(f, self.weights)))


class Output(nn.Module):
    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.empty(classes, inputs))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, f: torch.Tensor) -> torch.Tensor:
        return functional.linear(f, self.weights, self.bias)


class Network(nn.Module):
    """Of preprocessed samples [n, inputs]; gives logits [n, classes]."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        sizes = [spec.features(), *spec.hidden]
        self.layers = nn.ModuleList(Masked(layer, spec) for layer in spec.layers)
        self.reads = [layer.read_pooled for layer in spec.layers]
        self.hidden = nn.ModuleList(Hidden(i, o, spec) for i, o in zip(sizes, sizes[1:]))
        self.output = Output(sizes[-1], spec.classes)
        self.dropout = (*spec.dropout, *(len(sizes) * [0.0]))[: len(sizes)]
        self.start()

    def start(self) -> None:
        """Uniform: dense weights within sqrt(1/inputs), masked ones within sqrt(3/connections)."""
        for layer in self.layers:
            connections = max(1.0, len(layer.place) / layer.shape[0])
            _uniform(layer.weights, (3 / connections) ** 0.5)
        for dense in (*self.hidden, self.output):
            _uniform(dense.weights, (1 / dense.weights.shape[1]) ** 0.5)

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """By the names of the file's /weights."""
        here = {name.replace(".", "/"): tensor for name, tensor in self.state_dict().items()}
        with torch.no_grad():
            for name, values in weights.items():
                here[_name_here(name)].copy_(torch.from_numpy(np.asarray(values, np.float32)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u, pooled, singles = x, [], []
        for layer, read in zip(self.layers, self.reads):
            u, single = layer(u)
            pooled += [u] if read else []
            singles += [] if single is None else [single]
        f = torch.cat(pooled + singles, dim=1) if self.layers else x
        for rate, dense in zip(self.dropout, (*self.hidden, self.output)):
            f = dense(functional.dropout(f, rate, self.training))
        return f


def _uniform(weights: nn.Parameter, bound: float) -> None:
    nn.init.uniform_(weights, -bound, bound)


def _name_here(name: str) -> str:
    """A hidden layer's norm stands beside its weights in the file."""
    head, _, last = name.rpartition("/")
    if head.startswith("hidden/") and last != "weights":
        return f"{head}/norm/{last}"
    return name


def _index(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.int64))
