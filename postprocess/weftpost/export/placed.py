"""A masked layer as frameworks multiply: a matrix with a mask, of all units or of prototypes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..peer.spec import MaskedLayer


@dataclass(frozen=True)
class Placed:
    """h = weights u, zero where mask is.

    Of a shared layer, group s K + k is prototype k of K at site s: its units have the rows of the
    prototype, which apply to the inputs windows[s]; the number past the last input names none.
    """

    inputs: int
    groups: int
    group_size: int
    weights: np.ndarray  # [groups p, inputs] float32, or [K p, window]
    mask: np.ndarray  # bool
    windows: np.ndarray | None = None  # [sites, window]
    members: np.ndarray | None = None  # [pools, most]: groups of each pool, past the last: none

    @property
    def outputs(self) -> int:
        return self.groups if self.members is None else len(self.members)


def place(layer: MaskedLayer, weights: np.ndarray) -> Placed:
    """weights: [rows, p], as the file has them. Ties but of copies of prototypes are dissolved."""
    where = _shared(layer)
    p = layer.group_size
    if where is None:
        group = np.repeat(np.arange(layer.groups), np.diff(layer.start))
        rows, columns, size, windows = group, layer.input, (layer.groups, layer.inputs), None
        given = weights if layer.row is None else weights[layer.row]
    else:
        rows, columns, windows = where.prototype, where.column, where.windows
        size, given = (where.prototypes, windows.shape[1]), weights
    found, mask = np.zeros((size[0], p, size[1])), np.zeros((size[0], 1, size[1]), bool)
    for a in range(p):  # an input may be joined to a group twice, so weights are added, not set
        np.add.at(found[:, a], (rows, columns), given[:, a])
    mask[rows, 0, columns] = True
    return Placed(
        inputs=layer.inputs,
        groups=layer.groups,
        group_size=p,
        weights=found.astype(np.float32).reshape(-1, size[1]),
        mask=mask.repeat(p, axis=1).reshape(-1, size[1]),
        windows=windows,
        members=members_of(layer),
    )


def dissolves(layer: MaskedLayer) -> bool:
    """Are weights tied in a way that is lost?"""
    return layer.row is not None and _shared(layer) is None


def members_of(layer: MaskedLayer) -> np.ndarray | None:
    if layer.pool_start is None or layer.pool_group is None:
        return None
    counts = np.diff(layer.pool_start)
    pool = np.repeat(np.arange(len(counts)), counts)
    members = np.full((len(counts), max(1, counts.max(initial=0))), layer.groups)
    members[pool, np.arange(len(pool)) - layer.pool_start[pool]] = layer.pool_group
    return members


@dataclass(frozen=True)
class _Shared:
    prototypes: int
    prototype: np.ndarray  # [rows of weights]
    column: np.ndarray  # [rows]
    windows: np.ndarray


def _shared(layer: MaskedLayer) -> _Shared | None:
    """Prototypes and windows, if groups are such copies.

    Then rows of weights that see the same inputs from all sites are one place of the window.
    """
    if layer.row is None:
        return None
    channel = layer.pooled_channel  # one for each prototype
    prototypes = layer.pools if channel is None else int(channel.max()) + 1
    group = np.repeat(np.arange(layer.groups), np.diff(layer.start))
    site, prototype = np.divmod(group, prototypes)
    owner, sees = np.full(layer.rows, -1), np.full((layer.rows, site.max() + 1), layer.inputs)
    owner[layer.row] = prototype
    sees[layer.row, site] = layer.input
    if (
        layer.groups % prototypes
        or (owner[layer.row] != prototype).any()
        or (sees < layer.inputs).sum() != len(layer.row)  # a row that a group has twice
    ):
        return None
    windows, column = np.unique(sees, axis=0, return_inverse=True)
    return _Shared(prototypes, owner, column.ravel(), np.ascontiguousarray(windows.T))
