"""Locality, pooling and the other figures of a learned structure, as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .geometry import centroids_and_spreads, positions_of
from .runfile import History, Layer, Run

COPY = 0.99  # |cosine| from which two atoms of a group count as copies of one

BLOCK = 256  # columns at a time: working memory stays small beside the dictionary itself


def measure(run: Run, seed: int = 0) -> dict[str, Any]:
    """Every figure by name. What a file cannot tell is None."""
    layer = run.layer
    figures: dict[str, Any] = {
        "file": str(run.path),
        "complete": run.complete,
        "inputs": layer.d,
        "atoms": layer.k,
        "group_size": layer.group_size,
        "groups": layer.groups,
        **_width(layer),
        **_locality(run, seed),
        **_pooling(layer),
        **_history(run.history),
    }
    return {name: _known(value) for name, value in figures.items()}


def spreads(atoms: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """RMS distance of an atom's energy from its centroid; [d, n] -> [n]."""
    parts = [
        centroids_and_spreads(atoms[:, start : start + BLOCK].astype(float) ** 2, positions)[1]
        for start in range(0, atoms.shape[1], BLOCK)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def shuffled(atoms: np.ndarray, seed: int) -> np.ndarray:
    """The same atoms, the entries of each put in an order of its own."""
    return np.random.default_rng(seed).permuted(atoms, axis=0)


def envelope_cosines(atoms: np.ndarray, group_size: int) -> tuple[float, float]:
    """Mean cosine between envelopes |D_a| over all pairs within groups, and between groups.

    Over unit vectors u, the sum of all products in a set is the squared norm of the set's sum,
    so all pairs are counted exactly without forming any of them. Zero atoms take no part.
    """
    d, total_groups = atoms.shape[0], atoms.shape[1] // group_size
    total = np.zeros(d)
    own = members = pairs_within = members_square = 0.0
    step = max(1, BLOCK // group_size)
    for start in range(0, total_groups, step):
        sums, counts = _group_sums(atoms, group_size, start, min(start + step, total_groups))
        total += sums.sum(axis=1)
        own += float((sums**2).sum())
        members += float(counts.sum())
        pairs_within += float((counts * (counts - 1)).sum())
        members_square += float((counts**2).sum())
    within = _ratio(own - members, pairs_within)
    between = _ratio(float(total @ total) - own, members**2 - members_square)
    return within, between


def copies(atoms: np.ndarray, group_size: int) -> float:
    """Share of the pairs of atoms within groups that are one atom twice, up to sign.

    Envelopes cannot tell these from atoms of one place that differ in phase.
    """
    same = pairs = 0
    for start in range(0, atoms.shape[1], group_size):
        group = atoms[:, start : start + group_size].astype(float)
        group = group[:, group.any(axis=0)]
        units = group / np.linalg.norm(group, axis=0)
        cosines = np.abs(units.T @ units)[np.triu_indices(group.shape[1], 1)]
        same += int((cosines > COPY).sum())
        pairs += len(cosines)
    return _ratio(same, pairs)


def _group_sums(
    atoms: np.ndarray, group_size: int, first: int, last: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of unit envelopes [d, groups] and number of nonzero atoms [groups]."""
    envelopes = np.abs(atoms[:, first * group_size : last * group_size].astype(float))
    norms = np.linalg.norm(envelopes, axis=0)
    units = envelopes / np.where(norms > 0, norms, 1.0)
    by_group = units.reshape(len(units), last - first, group_size)
    return by_group.sum(axis=2), (norms > 0).reshape(-1, group_size).sum(axis=1)


def _width(layer: Layer) -> dict[str, Any]:
    alive = int(layer.alive.sum())
    connections = np.count_nonzero(layer.connectivity[:, layer.alive])
    usage = None if layer.usage is None or not alive else layer.usage[layer.alive].mean()
    return {
        "groups_alive": alive,
        "atoms_alive": int(layer.alive_atoms().any(axis=0).sum()),
        "connection_density": _ratio(connections, layer.d * alive),
        "active_fraction": usage,
    }


def _locality(run: Run, seed: int) -> dict[str, Any]:
    atoms = run.layer.alive_atoms()
    atoms = atoms[:, atoms.any(axis=0)]
    positions = positions_of(run.picture, run.layer.d)
    spread, by_chance = (
        float(np.median(spreads(version, positions))) if version.size else math.nan
        for version in (atoms, shuffled(atoms, seed))
    )
    return {
        "locality": _ratio(spread, by_chance),
        "spread": spread,
        "spread_shuffled": by_chance,
        "spread_unit": "pixels" if run.picture else "inputs",
        "shuffle_seed": seed,
    }


def _pooling(layer: Layer) -> dict[str, Any]:
    within, between = envelope_cosines(layer.alive_atoms(), layer.group_size)
    return {
        "pooling": _ratio(within, between),
        "envelope_cosine_within": within,
        "envelope_cosine_between": between,
        "copies": copies(layer.alive_atoms(), layer.group_size),
    }


def _history(history: History | None) -> dict[str, Any]:
    if history is None or not len(history.iteration):
        return {"iterations": 0, "worst_max_gap": None, "final_objective": None}
    return {
        "iterations": len(history.iteration),
        "worst_max_gap": history.max_gap.max(),  # one NaN makes it NaN, as it should
        "final_objective": history.objective[-1],
    }


def _ratio(above: float, below: float) -> float:
    return above / below if below else math.nan


def _known(value: Any) -> Any:
    """Plain Python for JSON, which has no NaN."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
