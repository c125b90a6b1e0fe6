"""Two runs over one another: histories, what groups take, and how far their dictionaries agree."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..compare.compared import Compared
from ..runfile import Layer, Run
from .layout import MARGIN
from .page import Page
from .shares import BARS, compare_shares
from .style import BLUE, FAINT, ORANGE, WIDTH

TOP, HEIGHT, ABOVE, BELOW, LEFT, RIGHT, BETWEEN = 92, 290, 40, 66, 96, 36, 96
COLUMNS = 3
COLORS = (BLUE, ORANGE)
DARK = (BLUE, "#9a6700")  # of words: orange itself is too light to read
LONGEST = 110
FEWER = 20  # bars: there may be few groups


def draw(found: Compared) -> Figure:
    """Of two run files."""
    assert found.runs is not None
    page, axes = two_rows(found, "Two runs")
    curves = (
        ("objective", "objective J: comparable where the penalties are equal", 1.0),
        ("active_fraction", "active groups, % per sample", 100.0),
        ("connection_density", "connections, % of possible", 100.0),
    )
    for panel, (name, title, factor) in zip(axes, curves):
        panel.set_title(title, loc="left", fontsize=11)
        _draw_history(panel, found.runs, name, factor)
    layers = [run.layer for run in found.runs]
    usages, sizes = ([take(layer) for layer in layers] for take in (_usage, _sizes))
    _draw_shares(axes[3], "usage of each group, % of the samples", usages)
    _draw_shares(axes[4], "connections of each group, % of the inputs", sizes)
    _draw_matches(axes[5], found)
    return page.finish()


def two_rows(found: Compared, title: str) -> tuple[Page, list[Axes]]:
    """A page of six panels, with the two files named in their colours."""
    page = Page(WIDTH, TOP + 2 * (ABOVE + HEIGHT + BELOW))
    page.heading(MARGIN, title, "")
    for i, (letter, own) in enumerate(zip("AB", (found.a, found.b))):
        words = f"{letter}: {_short(str(own.path))}" + ("" if own.complete else " (checkpoint)")
        page.text(MARGIN, 46 + 20 * i, words, fontsize=11, color=DARK[i], fontweight="bold")
    width = (WIDTH - LEFT - RIGHT - (COLUMNS - 1) * BETWEEN) // COLUMNS
    axes = []
    for i in range(2 * COLUMNS):
        row, column = divmod(i, COLUMNS)
        top = TOP + row * (ABOVE + HEIGHT + BELOW) + ABOVE
        panel = page.axes(LEFT + column * (width + BETWEEN), top, width, HEIGHT)
        panel.grid(axis="y", color="0.92", linewidth=0.8)
        panel.set_axisbelow(True)
        axes.append(panel)
    return page, axes


def draw_curves(axes: Axes, pairs: list[tuple[np.ndarray, np.ndarray]], unit: str) -> None:
    """x and y of each file; dashes tell the second from the first without its colour."""
    drawn = False
    for (x, y), color, dashes in zip(pairs, COLORS, ("-", (0, (5, 1.5)))):
        if len(x):
            marker = "o" if len(x) == 1 else None
            axes.plot(x, y, color=color, linestyle=dashes, linewidth=1.8, marker=marker)
            drawn = True
    axes.set_xlabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if not drawn:
        say(axes, "not in the files")


def say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def _draw_history(axes: Axes, runs: tuple[Run, Run], name: str, factor: float) -> None:
    pairs = []
    for run in runs:
        history = run.history
        known = history is not None and len(history.iteration) > 0
        x = history.iteration if history is not None and known else np.empty(0)
        pairs.append((x, factor * getattr(history, name) if known else x))
    draw_curves(axes, pairs, "iteration (batches)")
    if name != "objective":
        axes.set_ylim(bottom=0)


def _usage(layer: Layer) -> np.ndarray:
    return np.empty(0) if layer.usage is None else 100 * layer.usage[layer.alive]


def _sizes(layer: Layer) -> np.ndarray:
    return 100 * (layer.connectivity[:, layer.alive] != 0).sum(axis=0) / layer.d


def _draw_shares(axes: Axes, title: str, values: list[np.ndarray]) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set(xlabel="%", ylabel="% of the groups")
    every = np.concatenate(values)
    if not every.size:
        say(axes, "not in the files")
        return
    # The rare far ones are counted in the last bar, or all others would share one.
    top = float(np.percentile(every, 99)) or 1.0
    compare_shares(axes, list(zip(values, COLORS)), np.linspace(0, top, FEWER + 1))
    if every.max() > top:
        axes.set_xlabel(f"% (last bar: {top:.3g} and more); medians dashed")


def _draw_matches(axes: Axes, found: Compared) -> None:
    axes.set_title("pools: likeness of the best match in the other", loc="left", fontsize=11)
    if found.matches is None:
        say(axes, "different inputs: not compared")
        return
    chance = np.concatenate([match.pools_by_chance for match in found.matches])
    sets = [(chance, FAINT), *((match.pools, c) for match, c in zip(found.matches, COLORS))]
    compare_shares(axes, sets, np.linspace(0, 1, BARS + 1))
    axes.set_xlabel("1: answers are the same; grey: by chance; medians dashed")
    axes.set_ylabel("% of the groups")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else "…" + text[1 - LONGEST :]
