"""How far the first layers of two runs found the same: of each atom and pool, its best match.

A pool answers with the norm of D_g' x, so two pools see the same where the quadratic forms
x' D_g D_g' x are alike. Their likeness is the cosine of the two matrices, which is
||D_g' E_h||^2 / (||D_g' D_g|| ||E_h' E_h||) in Frobenius norms: 1 where the answers are the same
but for their scale, 0 where no input moves both. A pool of copies of an atom counts as that atom.
What would be found by chance is measured with the inputs of the other run in a random order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..runfile import Layer

BLOCK = 256  # atoms of one run at a time
SEED = 0


@dataclass(frozen=True)
class Agreement:
    """One entry for each alive group, or nonzero atom, of the run that looks for matches."""

    pools: np.ndarray  # likeness of the best match
    pools_by_chance: np.ndarray
    atoms: np.ndarray  # |cosine| of the best match

    def numbers(self) -> dict[str, float]:
        return {
            "pools, median": _median(self.pools),
            "pools, median by chance": _median(self.pools_by_chance),
            "atoms, median": _median(self.atoms),
        }


def agreement(a: Layer, b: Layer) -> Agreement:
    """Of the pools and atoms of a with those of b, which have the same inputs."""
    own, others = _alive(a), _alive(b)
    order = np.random.default_rng(SEED).permutation(len(others))
    return Agreement(
        pools=best_pools(own, a.group_size, others, b.group_size),
        pools_by_chance=best_pools(own, a.group_size, others[order], b.group_size),
        atoms=best_atoms(own, others),
    )


def best_pools(own: np.ndarray, p: int, others: np.ndarray, q: int) -> np.ndarray:
    """[groups of own]: the greatest likeness to a group of the others; 0 where there is none."""
    sizes = _norms(others, q)
    best = []
    step = max(1, BLOCK // p) * p
    for start in range(0, own.shape[1], step):
        block = own[:, start : start + step]
        products = (block.T @ others) ** 2
        sums = products.reshape(block.shape[1] // p, p, -1, q).sum(axis=(1, 3))
        likeness = sums / (_norms(block, p)[:, None] * sizes[None])
        best.append(likeness.max(axis=1, initial=0.0))
    return np.concatenate(best) if best else np.empty(0)


def best_atoms(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[nonzero atoms of own]: the greatest |cosine| to an atom of the others; 0 without any."""
    own, others = (atoms[:, atoms.any(axis=0)] for atoms in (own, others))
    own, others = (atoms / np.linalg.norm(atoms, axis=0) for atoms in (own, others))
    best = [
        np.abs(own[:, start : start + BLOCK].T @ others).max(axis=1, initial=0.0)
        for start in range(0, own.shape[1], BLOCK)
    ]
    return np.concatenate(best) if best else np.empty(0)


def _alive(layer: Layer) -> np.ndarray:
    """In double, as small norms are squared twice. Groups of zeros alone are left out."""
    atoms = layer.alive_atoms().astype(float)
    full = atoms.reshape(layer.d, -1, layer.group_size).any(axis=(0, 2))
    return atoms[:, np.repeat(full, layer.group_size)]


def _norms(atoms: np.ndarray, p: int) -> np.ndarray:
    """[groups]: Frobenius norm of each group's D_g' D_g."""
    by_group = np.moveaxis(atoms.reshape(len(atoms), -1, p), 1, 0)
    grams = np.swapaxes(by_group, 1, 2) @ by_group
    found: np.ndarray = np.sqrt((grams**2).sum(axis=(1, 2)))
    return found


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else float("nan")
