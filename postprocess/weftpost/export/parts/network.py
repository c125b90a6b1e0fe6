"""A trained network (include/weft/network.h has its formulas)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .common import Input, MaskedShape, MaskedLinear, Output, pick

# --- from here on, the text is part of what is exported


@dataclass(frozen=True)
class LayerShape(MaskedShape):
    pooled_channels: int = 0  # that normalise pooled units
    single_channels: int = 0  # and single ones; 0: the dense layers do not read these
    read_pooled: bool = True  # do the dense layers read the pooled units?


@dataclass(frozen=True)
class NetworkShape:
    inputs: int
    classes: int
    layers: tuple[LayerShape, ...]
    hidden: tuple[int, ...]
    dropout: tuple[float, ...]  # while training, of what each dense layer reads
    contrast_floor: float
    whitened: bool
    pool_epsilon: float
    norm_epsilon: float
    norm_momentum: float

    def features(self) -> int:
        """What the first dense layer reads."""
        pooled = sum(layer.outputs for layer in self.layers if layer.read_pooled)
        read = [layer for layer in self.layers if layer.single_channels]
        single = sum(layer.groups * layer.group_size for layer in read)
        return pooled + single if self.layers else self.inputs


class Norm(nn.Module):
    """norm(z) = scale (z - mean) / sqrt(variance + epsilon) + shift, by channels.

    Units may share a channel. Mean and variance are those of the batch while training, and the
    running ones afterwards.
    """

    mean: torch.Tensor
    variance: torch.Tensor
    channel: torch.Tensor | None

    def __init__(self, units: int, channels: int, epsilon: float, momentum: float) -> None:
        super().__init__()
        self.epsilon, self.momentum = epsilon, momentum
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        shared = torch.zeros(units, dtype=torch.long) if channels < units else None
        self.register_buffer("channel", shared)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        if self.channel is not None:
            return self._shared(z, self.channel)
        state = self.mean, self.variance, self.scale, self.shift
        return functional.batch_norm(z, *state, self.training, self.momentum, self.epsilon)

    def _shared(self, z: torch.Tensor, channel: torch.Tensor) -> torch.Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            mean = self._average(z.mean(0), channel)
            variance = self._average(((z - mean[channel]) ** 2).mean(0), channel)
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance, self.momentum)
        factor = self.scale * torch.rsqrt(variance + self.epsilon)
        return z * factor[channel] + (self.shift - mean * factor)[channel]

    def _average(self, of_units: torch.Tensor, channel: torch.Tensor) -> torch.Tensor:
        sums = torch.zeros_like(self.mean).index_add(0, channel, of_units)
        return sums / torch.bincount(channel, minlength=len(sums))


class Layer(MaskedLinear):
    """y_q = max(0, sqrt(sum of h^2 + pool_epsilon) - threshold), v = norm(y).

    The sum is over the units of pool q's groups.
    """

    def __init__(self, layer: LayerShape, shape: NetworkShape) -> None:
        super().__init__(layer)
        norm, units = (shape.norm_epsilon, shape.norm_momentum), layer.groups * layer.group_size
        self.epsilon, self.read_pooled = shape.pool_epsilon, layer.read_pooled
        self.pooled = Norm(layer.outputs, layer.pooled_channels, *norm)
        self.single = Norm(units, layer.single_channels, *norm) if layer.single_channels else None

    def forward(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """v, which is the next layer's u, and rectified single units where they are read."""
        h = self.respond(u)
        energy = h.square().sum(2)
        if self.members is not None:
            energy = pick(energy, self.members).sum(2)
        y = torch.relu(torch.sqrt(energy + self.epsilon) - self.shape.threshold)
        single = None if self.single is None else torch.relu(self.single(h.flatten(1)))
        return self.pooled(y), single


class Hidden(nn.Module):
    """r = max(0, norm(H f))."""

    def __init__(self, inputs: int, units: int, shape: NetworkShape) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(units, inputs))
        self.norm = Norm(units, units, shape.norm_epsilon, shape.norm_momentum)

    def forward(self, f: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(functional.linear(f, self.weights)))


class Network(nn.Module):
    """Logits of samples."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        sizes = [shape.features(), *shape.hidden]
        self.input: nn.Module = Input(shape.inputs, shape.contrast_floor, shape.whitened)
        self.layers = nn.ModuleList([Layer(layer, shape) for layer in shape.layers])
        self.hidden = nn.ModuleList([Hidden(i, o, shape) for i, o in zip(sizes, sizes[1:])])
        self.output = Output(sizes[-1], shape.classes)
        self.dropout = (*shape.dropout, *(len(sizes) * [0.0]))[: len(sizes)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = self.features(self.input(x))
        for rate, dense in zip(self.dropout, (*self.hidden, self.output)):
            f = dense(functional.dropout(f, rate, self.training))
        return f

    def features(self, u: torch.Tensor) -> torch.Tensor:
        """f: the pooled units of the layers read, then the single ones; u without layers."""
        pooled: list[torch.Tensor] = []
        singles: list[torch.Tensor] = []
        for layer in self.layers:
            u, single = layer(u)
            pooled += [u] if layer.read_pooled else []
            singles += [] if single is None else [single]
        return torch.cat(pooled + singles, 1) if len(self.layers) else u
