"""The checksum of a structure, of all numbers that responses depend on, as the program takes it.

See src/io/structure.c and src/linalg/block.c.
"""

from __future__ import annotations

import numpy as np

PARTS = 5  # what each layer is summed under
DICTIONARY, WHITENING, MEAN, NUMBERS, SHARED = range(PARTS)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)


def part_sum(layer: int, part: int, rows: np.ndarray, first: int = 0) -> int:
    """Of rows [n, columns] in double: the sum over them of a hash of place and bytes."""
    words = np.ascontiguousarray(rows, "<f8").view("<u8")
    place = ((layer * PARTS + part) << 40) + first
    places = np.arange(place + 1, place + 1 + len(words), dtype=np.uint64)
    found = _mix(np.zeros(len(words), np.uint64), places)
    for column in words.T:
        found = _mix(found, column)
    found = _mix(found, np.full(len(words), 8 * words.shape[1], np.uint64))
    return int(found.sum(dtype=np.uint64))


def in_text(*sums: int) -> str:
    """16 hexadecimal digits, as files tell it."""
    return f"{sum(sums) % 2**64:016x}"


def _mix(found: np.ndarray, words: np.ndarray) -> np.ndarray:
    found = (found ^ words) * FACTOR  # of 64 bits, wrapping
    return found ^ (found >> SHIFT)
