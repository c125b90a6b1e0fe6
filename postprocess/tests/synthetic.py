"""Makes run files whose structure is planted, so that what should be found is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

ITERATIONS = 40
NO_PICTURE = None


def gabor_groups(
    size: tuple[int, int], channels: int, groups: int, p: int, seed: int = 0
) -> np.ndarray:
    """[d, groups * p] in planes order: a group shares place and orientation, phases differ.

    Entries far from the centre are exactly zero for all atoms of a group, as a learnt
    connectivity makes them.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    atoms = []
    for _ in range(groups):
        row, column = rng.uniform(0.1, 0.9) * size[0], rng.uniform(0.1, 0.9) * size[1]
        angle, sigma = rng.uniform(0, np.pi), rng.uniform(1.3, 2.6)
        envelope = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
        envelope[envelope < 0.12] = 0
        along = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        colour = rng.normal(size=channels) if rng.random() < 0.4 else np.ones(channels)
        for phase in np.arange(p) * np.pi / p + rng.uniform(0, np.pi):
            plane = envelope * np.cos(2 * along / sigma + phase)
            atom = np.concatenate([weight * plane.ravel() for weight in colour])
            atoms.append(atom / np.linalg.norm(atom))
    return np.stack(atoms, axis=1)


def bump_groups(d: int, groups: int, p: int, seed: int = 0) -> np.ndarray:
    """[d, groups * p]: the same along a line."""
    return gabor_groups((1, d), 1, groups, p, seed)


def permuted(dictionary: np.ndarray, seed: int = 5) -> np.ndarray:
    """Each atom's entries in an order of its own: nothing local, nothing pooled is left."""
    return np.random.default_rng(seed).permuted(dictionary, axis=0)


def interleaved(dictionary: np.ndarray, channels: int) -> np.ndarray:
    """From planes order to channel last."""
    pixels = len(dictionary) // channels
    return dictionary.reshape(channels, pixels, -1).swapaxes(0, 1).reshape(len(dictionary), -1)


def connectivity_of(dictionary: np.ndarray, p: int) -> np.ndarray:
    d, k = dictionary.shape
    return np.sqrt((dictionary.reshape(d, k // p, p) ** 2).sum(axis=2))


def write_run(
    path: Path,
    dictionary: np.ndarray,
    p: int,
    *,
    shape: tuple[int, ...] | None = NO_PICTURE,
    pixel_order: str | None = "planes",
    removed: tuple[int, ...] = (),
    usage: np.ndarray | None = None,
    history: dict[str, Any] | None = None,
    information: dict[str, Any] | None = None,
    attributes: dict[str, Any] | None = None,
) -> Path:
    """history=None writes a plausible one; removed groups get zero columns, as in a real run."""
    groups = dictionary.shape[1] // p
    dictionary = dictionary.astype(np.float32)
    alive = np.ones(groups, np.uint8)
    alive[list(removed)] = 0
    dictionary[:, np.repeat(alive == 0, p)] = 0
    if usage is None:
        usage = 0.04 * np.random.default_rng(1).gamma(3.0, 1 / 3, groups)
    with h5py.File(path, "w") as file:
        layer = file.create_group("/layers/0")
        layer["dictionary"] = dictionary
        layer["connectivity"] = connectivity_of(dictionary, p)
        layer["alive"] = alive
        layer["usage"] = usage * alive
        columns = plausible_history() if history is None else history
        for name, values in columns.items():
            file[f"/history/0/{name}"] = values
        for name, values in (information or {}).items():
            file[f"/information/{name}"] = values
        file.attrs["complete"] = 1
        if shape is not None:
            file.attrs["shape"] = np.array(shape, np.int32)
            if pixel_order is not None:
                file.attrs["pixel_order"] = np.bytes_(pixel_order)  # as C writes it
        file.attrs.update(attributes or {})
    return path


def plausible_history(count: int = ITERATIONS) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    t = np.arange(count)
    objective = 180 + 90 * np.exp(-t / (0.15 * count + 1)) + rng.normal(0, 2, count)
    max_gap = 10 ** rng.normal(-3.1, 0.1, count)
    return {
        "iteration": t,
        "objective": objective,
        "reconstruction": 0.8 * objective,
        "active_fraction": 0.04 + 0.03 * np.exp(-t / 8) + rng.normal(0, 0.001, count),
        "connection_density": 0.05 + 0.95 * np.exp(-t / (0.1 * count + 1)),
        "max_gap": max_gap,
        "mean_gap": max_gap / 4,
        "seconds": 1.3 * (t + 1),
    }
