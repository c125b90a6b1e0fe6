"""Distributions over one another, as shares of each."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

BARS = 30


def compare_shares(axes: Axes, sets: list[tuple[np.ndarray, str]], edges: np.ndarray) -> None:
    """A histogram of each set in its colour, the last on top, with the medians dashed."""
    for values, color in sets:
        if not len(values):
            continue
        shares = np.full(len(values), 100 / len(values))
        clipped = np.clip(values, edges[0], edges[-1])
        style = {"weights": shares, "histtype": "stepfilled", "alpha": 0.45, "linewidth": 1.4}
        axes.hist(clipped, bins=edges, color=color, edgecolor=color, **style)
        axes.axvline(float(np.median(clipped)), color=color, linewidth=1.6, linestyle="--")
    axes.set_xlim(edges[0], edges[-1])
