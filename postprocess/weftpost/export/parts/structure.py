"""A learned structure: its feed-forward pooled responses, and a linear readout of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .common import Input, MaskedShape, MaskedLinear, Output, pick, root

# --- from here on, the text is part of what is exported


@dataclass(frozen=True)
class LayerShape(MaskedShape):
    contrast_floor: float = 0.1


@dataclass(frozen=True)
class StructureShape:
    layers: tuple[LayerShape, ...]
    classes: int = 0  # of the readout; 0: there is none
    read_from: int = 0  # the first layer that it reads


class Responses(MaskedLinear):
    """y_g = max(0, |h_g| - threshold) of the preprocessed input, threshold = lambda sqrt(p).

    The outputs of a shared layer are pools of copies, sqrt(sum of y_g^2).
    """

    def __init__(self, layer: LayerShape) -> None:
        super().__init__(layer)
        self.input = Input(layer.inputs, layer.contrast_floor, True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[n, inputs] -> [n, outputs]; 0 for a group that was removed."""
        h = self.respond(self.input(x))
        y = torch.relu(root(h.square().sum(2)) - self.shape.threshold)
        return y if self.members is None else root(pick(y, self.members).square().sum(2))


class Network(nn.Module):
    """The responses of the last layer; the logits where there is a readout."""

    def __init__(self, shape: StructureShape) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Responses(layer) for layer in shape.layers])
        self.read_from = shape.read_from
        read = sum(layer.outputs for layer in shape.layers[shape.read_from :])
        self.output = Output(read, shape.classes) if shape.classes else None

    def responses(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Of every layer, in turn; each is the next one's input."""
        found: list[torch.Tensor] = []
        for layer in self.layers:
            found.append(layer(found[-1] if found else x))
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.responses(x)
        if self.output is None:
            return found[-1]
        logits: torch.Tensor = self.output(torch.cat(found[self.read_from :], 1))
        return logits
