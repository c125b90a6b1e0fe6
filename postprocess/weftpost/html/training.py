"""Accuracy and loss of a network by epoch."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..figures.panels import panels
from ..figures.style import BLUE, ORANGE

Columns = dict[str, np.ndarray]


def draw(title: str, columns: Columns) -> Figure:
    words = "Training values are means over an epoch, as trained; test values are after it."
    page, axes = panels(title, words, ["accuracy, %", "mean loss of a sample"], 560)
    _curves(axes[0], columns, "accuracy", 100.0)
    _curves(axes[1], columns, "loss", 1.0)
    return page.finish()


def _curves(axes: Axes, columns: Columns, what: str, scale: float) -> None:
    epochs = columns["epoch"]
    kinds = (("test", BLUE, "o", "-"), ("train", ORANGE, "s", "--"))
    for kind, color, marker, line in kinds:
        values = columns.get(f"{kind}_{what}")
        if values is not None and np.isfinite(values).any():  # NaN: no test samples
            label = "test" if kind == "test" else "training"
            style = {"color": color, "marker": marker, "linestyle": line}
            axes.plot(epochs, scale * values, label=label, **style)
    axes.set_xlabel("epoch")
    axes.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if axes.lines:
        axes.legend(loc="best")
