"""Reads from a finished run file what its feed-forward responses need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ..errors import UserError
from ..peer.netfile import Input, number, refuse_checkpoint
from ..runfile import open_file
from . import checksum
from .placed import Placed


@dataclass(frozen=True)
class StructureLayer:
    input: Input
    placed: Placed
    threshold: float  # lambda sqrt(p)


@dataclass(frozen=True)
class Structure:
    path: Path
    layers: tuple[StructureLayer, ...]
    checksum: str

    @property
    def inputs(self) -> int:
        return self.layers[0].placed.inputs


def read_structure(path: Path) -> Structure:
    with open_file(path) as file:
        if "/layers/0/dictionary" not in file:
            raise UserError("not a run file (no /layers/0/dictionary)")
        refuse_checkpoint(file, "weft learn")
        layers: list[StructureLayer] = []
        sums: list[int] = []
        while f"/layers/{len(layers)}" in file:
            number_, group = len(layers), file[f"/layers/{len(layers)}"]
            layers.append(_layer(group))
            sums += _sums(number_, group, layers[-1])
        for below, layer in zip(layers, layers[1:]):
            if below.placed.outputs != layer.placed.inputs:
                raise UserError("a layer's inputs are not the outputs of the one below: damaged")
        return Structure(path, tuple(layers), checksum.in_text(*sums))


def _layer(group: h5py.Group) -> StructureLayer:
    atoms, alive = group["dictionary"][()], group["alive"][()] != 0
    (d, k), groups = atoms.shape, len(alive)
    p = int(number(group, "group_size"))
    if p * groups != k or group["mean"].shape != (d,) or group["whitening"].shape != (d, d):
        raise UserError(f"{group.name} has arrays that do not go together: damaged")
    placed = _copies(group["shared"]) if "shared" in group else _place(atoms, alive, p)
    if placed.inputs != d or placed.group_size != p:
        raise UserError(f"{group.name}/shared is of another layer: damaged")
    taken = Input(
        mean=group["mean"][()].astype(float),
        whitening=group["whitening"][()].astype(np.float32),
        contrast_floor=number(group, "contrast_floor"),
    )
    return StructureLayer(taken, placed, number(group, "lambda") * p**0.5)


def _place(atoms: np.ndarray, alive: np.ndarray, p: int) -> Placed:
    """A group connects where one of its atoms is not zero; a removed one nowhere."""
    weights = np.where(np.repeat(alive, p), atoms, 0).T.astype(np.float32)
    connects = (weights.reshape(len(alive), p, -1) != 0).any(axis=1)
    return Placed(
        inputs=len(atoms),
        groups=len(alive),
        group_size=p,
        weights=np.ascontiguousarray(weights),
        mask=connects.repeat(p, axis=0),
    )


def _copies(group: h5py.Group) -> Placed:
    """Copies of prototypes at all sites of the lattice, pooled with their neighbours."""
    names = ("group_size", "window", "pool", "rows", "columns", "channels")
    p, window, pool, rows, columns, channels = (int(number(group, name)) for name in names)
    weights = group["atoms"][()].astype(np.float32)
    at = [group[name][()] for name in ("row", "column", "channel")]
    kept, half, inputs = at[0] >= 0, window // 2, len(at[0])
    lattice = np.full((rows + 2 * half, columns + 2 * half, channels), inputs)
    lattice[at[0][kept] + half, at[1][kept] + half, at[2][kept]] = np.flatnonzero(kept)
    around = range(window)
    seen = [lattice[i : i + rows, j : j + columns] for i in around for j in around]
    windows = np.stack(seen, axis=2).reshape(rows * columns, -1)
    prototypes = len(weights) // p
    connects = (weights.reshape(prototypes, p, -1) != 0).any(axis=1)
    return Placed(
        inputs=inputs,
        groups=rows * columns * prototypes,
        group_size=p,
        weights=weights,
        mask=connects.repeat(p, axis=0),
        windows=np.ascontiguousarray(windows),
        members=_neighbours(rows, columns, prototypes, pool),
    )


def _neighbours(rows: int, columns: int, prototypes: int, pool: int) -> np.ndarray:
    """[pools, pool pool]: the copies of a prototype in each square of sites."""
    high, wide = -(-rows // pool), -(-columns // pool)
    none = rows * columns * prototypes
    group = np.full((high * pool, wide * pool, prototypes), none)
    group[:rows, :columns] = np.arange(none).reshape(rows, columns, prototypes)
    squares = group.reshape(high, pool, wide, pool, prototypes).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(squares.reshape(high * wide * prototypes, pool * pool))


def _sums(index: int, group: h5py.Group, layer: StructureLayer) -> list[int]:
    """As the program does, whose files name a structure by their sum."""
    p, mu = layer.placed.group_size, number(group, "mu")
    alive = group["alive"][()].astype(float)
    ridge = np.zeros(len(alive))
    if mu > 0 and "eta" in group:
        ridge = mu * p**0.5 / group["eta"][()].astype(float)
    numbers = [number(group, "lambda"), p, layer.input.contrast_floor, *(alive > 0), *ridge]
    sums = [
        checksum.part_sum(index, checksum.DICTIONARY, group["dictionary"][()]),
        checksum.part_sum(index, checksum.WHITENING, group["whitening"][()]),
        checksum.part_sum(index, checksum.MEAN, group["mean"][()][None]),
        checksum.part_sum(index, checksum.NUMBERS, np.array([numbers], float)),
    ]
    if "shared" in group:
        pool, atoms = int(number(group["shared"], "pool")), group["shared/atoms"][()]
        sums.append(checksum.part_sum(index, checksum.SHARED, atoms, pool))
    return sums
