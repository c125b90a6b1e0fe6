"""Flips one bit of a file, and tells whether that changes what an HDF5 file holds.

flipbits.py datasets FILE            places (byte offsets) in the middle of each dataset: "OFFSET PATH" lines
flipbits.py random FILE N SEED       N places anywhere in the file, drawn with a seed: the same lines, with "anywhere"
flipbits.py flip FILE COPY OFFSET    FILE with a bit of that byte flipped
flipbits.py same A B                 status 0 where all datasets and attributes of both hold the same
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import h5py
import numpy as np


def objects(file: h5py.File) -> dict[str, h5py.Group | h5py.Dataset]:
    found: dict[str, h5py.Group | h5py.Dataset] = {"/": file["/"]}

    def note(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        found["/" + name] = thing

    file.visititems(note)
    return found


def print_datasets(path: str) -> None:
    with h5py.File(path) as file:
        for name, thing in objects(file).items():
            if isinstance(thing, h5py.Dataset) and thing.nbytes:
                print(thing.id.get_offset() + thing.nbytes // 2, name)


def print_random(path: str, count: int, seed: int) -> None:
    draw = random.Random(seed)
    size = Path(path).stat().st_size
    for _ in range(count):
        print(draw.randrange(size), "anywhere")


def flip(path: str, copy: str, offset: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1 << (offset % 8)
    Path(copy).write_bytes(data)


def equal(a: object, b: object) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "O":
        return a.tolist() == b.tolist()
    return a.tobytes() == b.tobytes()


def contents(path: str) -> dict[str, object]:
    held: dict[str, object] = {}
    with h5py.File(path) as file:
        for name, thing in objects(file).items():
            held[name] = thing[()] if isinstance(thing, h5py.Dataset) else "group"
            for key, value in thing.attrs.items():
                held[f"{name} @{key}"] = value
    return held


def same(a: str, b: str) -> bool:
    one, other = contents(a), contents(b)
    return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)


def main(words: list[str]) -> int:
    if words[0] == "datasets":
        print_datasets(words[1])
    elif words[0] == "random":
        print_random(words[1], int(words[2]), int(words[3]))
    elif words[0] == "flip":
        flip(words[1], words[2], int(words[3]))
    elif words[0] == "same":
        return 0 if same(words[1], words[2]) else 1
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
