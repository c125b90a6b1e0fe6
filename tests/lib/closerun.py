"""How far are run or network files apart, dataset by dataset, and is that within bounds?

closerun.py [BOUND=NUMBER...] A.h5 B.h5...
Each B against A: the largest difference of a dataset, relative to the largest number in it; of whole numbers, and of
which connections there are, how many differ. Prints what it found. A dataset counts for the first BOUND that begins its
name: history/0/objective=1e-9. One that has none is not judged, and without any bound all are printed."""

from __future__ import annotations

import sys

import h5py
import numpy as np


def numbers(path: str) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path) as f:
        f.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    connected = {f"{name}/pattern": a > 0 for name, a in found.items() if name.endswith("/connectivity")}
    found.update({name: a.astype(np.uint8) for name, a in connected.items()})
    return {name: a for name, a in found.items() if isinstance(a, np.ndarray) and not name.endswith("/seconds")}


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Not a number on both sides is no difference; on one side it is."""
    if a.shape != b.shape:
        return np.inf
    if a.dtype.kind in "iu":
        return float((a != b).sum())
    a, b = a.astype(float), b.astype(float)
    if (np.isnan(a) != np.isnan(b)).any():
        return np.inf
    return float(np.nanmax(np.abs(a - b), initial=0)) / (float(np.nanmax(np.abs(a), initial=0)) or 1.0)


def judged(name: str, bounds: list[tuple[str, float]]) -> float | None:
    return next((most for start, most in bounds if name.startswith(start)), None)


def main() -> None:
    bounds = [(start, float(most)) for start, most in (word.split("=") for word in sys.argv[1:] if "=" in word)]
    first, *others = [word for word in sys.argv[1:] if "=" not in word]
    a, wrong = numbers(first), 0
    for path in others:
        b = numbers(path)
        assert a.keys() == b.keys(), (path, a.keys() ^ b.keys())
        for name in sorted(a):
            far, most = distance(a[name], b[name]), judged(name, bounds)
            bad = most is not None and not far <= most
            wrong += bad
            if bad or not bounds:
                print(f"{path} {name}: {far:.2e}" + (f", not within {most:g}" if bad else ""))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
