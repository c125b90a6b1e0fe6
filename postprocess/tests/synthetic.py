"""Makes run files whose structure is planted, so that what should be found is known."""

from __future__ import annotations

import itertools
import json
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


def write_network(
    path: Path,
    accuracy: float = 0.9,
    *,
    weights: int = 1000,
    attributes: dict[str, Any] | None = None,
) -> Path:
    """As weft train leaves it, without the weights themselves."""
    epochs = np.arange(1, 4)
    with h5py.File(path, "w") as file:
        file.create_group("/weights")
        file.create_group("/network").attrs["parameters"] = weights
        columns = {
            "epoch": epochs,
            "test_accuracy": accuracy - 0.01 * (3 - epochs),
            "train_accuracy": accuracy - 0.02 * (3 - epochs),
            "test_loss": 1 / epochs,
            "train_loss": 2 / epochs,
            "rate": 0.004 * (3 - epochs),
            "seconds": 0.5 * epochs,
        }
        for name, values in columns.items():
            file[f"/history/{name}"] = values
        own = {"complete": 1, "test_accuracy": accuracy, "peak_bytes_per_rank": 7 << 20}
        file.attrs.update(own | (attributes or {}))
    return path


def write_sweep(
    directory: Path, grid: dict[str, list[str]], bits: Any, accuracy: Any = None
) -> list[Path]:
    """A finished sweep over all combinations; bits and accuracy are functions of a point's numbers.

    Returns the points' directories; accuracy=None: the sweep does not train.
    """
    points = []
    for values in itertools.product(*grid.values()):
        named = dict(zip(grid, values))
        name = ",".join(f"{key.removeprefix('weft_')}={value}" for key, value in named.items())
        steps = [{"verb": "learn", "arguments": [], "output": "run.h5"}]
        steps += [{"verb": "train", "arguments": [], "output": "net.h5"}] if accuracy else []
        where = f"points/{name}"
        points.append({"name": name, "directory": where, "values": named, "steps": steps})
    manifest = {"weft_sweep": 1, "created": "2026-01-02T03:04:05Z", "data": "/data/d.h5"}
    manifest |= {"grid": "", "grid_path": "g.yaml", "varied": list(grid), "points": points}
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sweep.json").write_text(json.dumps(manifest))
    return [_write_point(directory, point, bits, accuracy) for point in points]


def _write_point(directory: Path, point: dict[str, Any], bits: Any, accuracy: Any) -> Path:
    path = directory / point["directory"]
    path.mkdir(parents=True)
    values = point["values"]
    found = {"bits": [bits(values)], "entropy_bits": [100.0], "kept": np.array([1], np.uint8)}
    attributes = {"peak_bytes_per_rank": 50 << 20}
    options: dict[str, Any] = {"information": found, "attributes": attributes}
    write_run(path / "run.h5", gabor_groups((6, 6), 1, 3, 2), 2, shape=(6, 6, 1), **options)
    if accuracy:
        write_network(path / "net.h5", accuracy(values))
    set_status(path, "done")
    return path


def set_status(point: Path, state: str, reason: str = "", exit_status: int = 0) -> None:
    status = {"state": state, "step": "learn", "exit": exit_status, "reason": reason}
    (point / "status.json").write_text(json.dumps(status))
