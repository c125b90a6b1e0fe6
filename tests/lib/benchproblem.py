"""Writes a small problem for weft bench, with its optima by another method than Weft's: benchproblem.py FILE."""

from __future__ import annotations

import sys

import h5py
import numpy as np

SAMPLES, INPUTS, ATOMS, GROUP = 60, 12, 24, 4
WEIGHTS = {"L": (1, 0.2), "G": (GROUP, 0.15)}  # group size, lambda


def optima(x: np.ndarray, atoms: np.ndarray, q: int, weight: float) -> np.ndarray:
    """min 1/2 |x - z D|^2 + weight sqrt(q) sum |z_g| for each row of x, by proximal gradient with momentum and restarts."""
    a, t = atoms.astype("f8"), weight * np.sqrt(q)
    z, y, s = np.zeros((len(x), len(a))), np.zeros((len(x), len(a))), np.ones((len(x), 1))
    lipschitz = np.linalg.norm(a, 2) ** 2
    for _ in range(4000):
        v = (y + (x - y @ a) @ a.T / lipschitz).reshape(len(x), -1, q)
        norm = np.maximum(np.linalg.norm(v, axis=2, keepdims=True), 1e-300)
        new = (v * np.maximum(1 - t / lipschitz / norm, 0)).reshape(z.shape)
        s[((y - new) * (new - z)).sum(1) > 0] = 1
        old, s = s, (1 + np.sqrt(1 + 4 * s * s)) / 2
        y, z = new + (old - 1) / s * (new - z), new
    return 0.5 * ((x - z @ a) ** 2).sum(1) + t * np.linalg.norm(z.reshape(len(x), -1, q), axis=2).sum(1)


def main() -> None:
    random = np.random.default_rng(0)
    x, atoms = random.normal(size=(SAMPLES, INPUTS)).astype("f4"), random.normal(size=(ATOMS, INPUTS)).astype("f4")
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    x[7] = 0
    with h5py.File(sys.argv[1], "w") as file:
        file["X"], file["D"], file["Xtest"], file["group_size"] = x, atoms, x[:20], GROUP
        for name, (q, weight) in WEIGHTS.items():
            file["lambda_" + name] = weight
            file["pstar_" + name] = optima(x.astype("f8"), atoms, q, weight)


if __name__ == "__main__":
    main()
