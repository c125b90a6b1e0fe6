"""Spearman's rank correlation and its bootstrap interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DRAWS = 10_000
LEVEL = 0.95


@dataclass(frozen=True)
class Correlation:
    rho: float
    low: float
    high: float
    count: int


def ranks(values: np.ndarray) -> np.ndarray:
    """1 .. n along the last axis; equal values share their mean rank."""
    order = np.sort(values, axis=-1)
    flat = np.atleast_2d(values), np.atleast_2d(order)
    below = [np.searchsorted(o, v, "left") for v, o in zip(*flat)]
    upto = [np.searchsorted(o, v, "right") for v, o in zip(*flat)]
    return ((np.array(below) + np.array(upto) + 1) / 2).reshape(values.shape)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Along the last axis; NaN where either does not vary."""
    a, b = (r - r.mean(axis=-1, keepdims=True) for r in (ranks(x), ranks(y)))
    norm = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=-1) / np.where(norm > 0, norm, np.nan)


def correlate(x: np.ndarray, y: np.ndarray, seed: int = 0) -> Correlation:
    """With the percentile interval over resampled pairs."""
    count = len(x)
    rows = np.random.default_rng(seed).integers(0, count, (DRAWS, count))
    drawn = spearman(x[rows], y[rows])
    tails = (50 * (1 - LEVEL), 50 * (1 + LEVEL))
    low, high = np.nanpercentile(drawn, tails) if count > 2 else (np.nan, np.nan)
    return Correlation(float(spearman(x, y)), float(low), float(high), count)
