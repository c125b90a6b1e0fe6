"""What a network of Weft connects to what, and its numbers by name; nothing of PyTorch here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class MaskedLayer:
    """Group g has the connections start[g] .. start[g + 1], each with p weights, one for an atom."""

    inputs: int
    group_size: int
    start: np.ndarray  # [groups + 1]
    input: np.ndarray  # [connections]
    row: np.ndarray | None = None  # [connections]: row of the weights; None: connection c has row c
    pool_start: np.ndarray | None = None  # [pools + 1]; None: each group is a pool
    pool_group: np.ndarray | None = None
    threshold: float = 0.0
    pooled_channel: np.ndarray | None = None  # [pools]: who shares a normalisation; None: nobody
    single_channel: np.ndarray | None = None  # [groups p]
    read_pooled: bool = True
    read_single: bool = False

    @property
    def groups(self) -> int:
        return len(self.start) - 1

    @property
    def pools(self) -> int:
        return self.groups if self.pool_start is None else len(self.pool_start) - 1

    @property
    def rows(self) -> int:
        return len(self.input) if self.row is None else int(self.row.max()) + 1


@dataclass(frozen=True)
class NetworkSpec:
    inputs: int
    classes: int
    layers: tuple[MaskedLayer, ...]
    hidden: tuple[int, ...]
    dropout: tuple[float, ...] = ()  # of what each dense layer reads; missing: 0
    pool_epsilon: float = 1e-6
    norm_epsilon: float = 1e-5
    norm_momentum: float = 0.1
    weights: dict[str, np.ndarray] = field(default_factory=dict)  # "layers/0/weights" and so on

    def features(self) -> int:
        """What the first dense layer reads."""
        return sum(self._read()) if self.layers else self.inputs

    def _read(self) -> Iterator[int]:
        for layer in self.layers:
            if layer.read_pooled:
                yield layer.pools
            if layer.read_single:
                yield layer.groups * layer.group_size
