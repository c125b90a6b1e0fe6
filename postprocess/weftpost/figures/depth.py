"""Information and entropy of the outputs, layer by layer, and what each layer adds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..errors import UserError
from ..runfile import Information, Run
from .groups import title
from .panels import panels
from .style import BLUE, INK, ORANGE


def draw(run: Run) -> Figure:
    found = run.information
    if found is None:
        raise UserError(f"{run.path}: no /information in the file, so there is no depth to draw")
    words = "Outputs of all layers up to each one. " + _stop(found)
    names = ["bits that a linear decoder gets back of the input", "noise-floor entropy, bits"]
    page, axes = panels(title(run), words, names)
    for panel, values, color in zip(axes, (found.bits, found.entropy_bits), (BLUE, ORANGE)):
        _curve(panel, found, values, color)
    _gains(axes[0], found)
    return page.finish()


def _stop(found: Information) -> str:
    if found.kept.all():
        return "All layers are kept."
    return f"{found.kept.sum()} kept; a hollow mark is a layer that did not pay and was dropped."


def _curve(axes: Axes, found: Information, values: np.ndarray, color: str) -> None:
    depth = np.arange(1, len(values) + 1)
    axes.plot(depth, values, color=color, linewidth=1.6, zorder=1)
    faces = [color if kept else "white" for kept in found.kept]
    axes.scatter(depth, values, s=80, c=faces, edgecolors=color, linewidths=1.6, zorder=2)
    axes.set_xlabel("layers")
    axes.set_xlim(depth.min() - 0.5, depth.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(y=0.18)


def gains(found: Information) -> np.ndarray:
    """What each layer after the first adds, relative to the layers kept before it."""
    added = []
    for i in range(1, len(found.bits)):
        before = found.bits[:i][found.kept[:i]][-1]
        added.append(found.bits[i] / before - 1 if before > 0 else np.nan)
    return np.array(added)


def _gains(axes: Axes, found: Information) -> None:
    for i, gain in enumerate(gains(found), start=1):
        words = "gain unknown" if np.isnan(gain) else f"{100 * gain:+.1f} %"
        place = (i + 1, found.bits[i])
        axes.annotate(words, place, (0, 12), textcoords="offset points", ha="center", color=INK)
