"""What structures and networks have in common."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

# --- from here on, the text is part of what is exported


@dataclass(frozen=True)
class MaskedShape:
    """The shape of a masked layer: groups of p = group_size units, unit g p + a in group g."""

    inputs: int
    groups: int
    group_size: int
    threshold: float
    sites: int = 0  # of a shared layer: places where copies of all its prototypes stand; 0: none
    window: int = 0  # and how many inputs a copy may see
    pools: int = 0  # of several groups; 0: each group is one
    members: int = 0  # groups in a pool, at most

    @property
    def outputs(self) -> int:
        return self.pools or self.groups


def pick(u: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """[n, units] -> [n, *index.shape]: the units named, 0 where it is the one past the last."""
    return functional.pad(u, (0, 1)).index_select(1, index.flatten()).view(-1, *index.shape)


def root(energy: torch.Tensor) -> torch.Tensor:
    """The square root, with a gradient of 0 at 0."""
    return torch.sqrt(energy.clamp(min=1e-30)) * (energy > 0)


class Input(nn.Module):
    """u = (cn(x) - mean) . whitening, or cn(x) - mean where there is no whitening.

    cn(x) = (x - mean of x) / max(standard deviation of x, contrast_floor).
    """

    mean: torch.Tensor
    whitening: torch.Tensor | None

    def __init__(self, inputs: int, contrast_floor: float, whitened: bool) -> None:
        super().__init__()
        self.least = contrast_floor**2
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("whitening", torch.zeros(inputs, inputs) if whitened else None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(1, keepdim=True)
        variance = centred.square().mean(1, keepdim=True)
        u = centred / torch.sqrt(variance.clamp(min=self.least)) - self.mean
        return u if self.whitening is None else torch.mm(u, self.whitening)


class MaskedLinear(nn.Module):
    """h = (mask * weights) u: what is masked has no effect, whatever an optimiser makes of it.

    A shared layer has weights for its prototypes alone, a row [window] for each unit, and windows
    [sites, window]: which inputs a copy sees. Group s K + k is the copy of prototype k, of K, at
    site s. members [pools, members]: the groups of each pool, where pools have several.
    """

    mask: torch.Tensor
    windows: torch.Tensor | None
    members: torch.Tensor | None

    def __init__(self, shape: MaskedShape) -> None:
        super().__init__()
        self.shape = shape
        p, sites = shape.group_size, shape.sites
        rows, columns = shape.groups * p, shape.inputs
        if sites:
            rows, columns = shape.groups // sites * p, shape.window
        self.weights = nn.Parameter(torch.zeros(rows, columns))
        self.register_buffer("mask", torch.zeros(rows, columns, dtype=torch.bool))
        windows = torch.zeros(sites, shape.window, dtype=torch.long) if sites else None
        pools = shape.pools, shape.members
        members = torch.zeros(pools, dtype=torch.long) if shape.pools else None
        self.register_buffer("windows", windows)
        self.register_buffer("members", members)

    def respond(self, u: torch.Tensor) -> torch.Tensor:
        """[n, inputs] -> h [n, groups, p]."""
        seen = u if self.windows is None else pick(u, self.windows)
        h = functional.linear(seen, self.weights * self.mask)
        return h.reshape(-1, self.shape.groups, self.shape.group_size)


class Output(nn.Module):
    """logits = O f + b."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(classes, inputs))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, f: torch.Tensor) -> torch.Tensor:
        return functional.linear(f, self.weights, self.bias)
