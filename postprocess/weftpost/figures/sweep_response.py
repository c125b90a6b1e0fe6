"""Response curves of a sweep: one metric against the values of each option that was varied."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from ..metrics import METRICS
from ..sweep.best import BITS, best
from ..sweep.collect import Point, Sweep
from ..sweep.columns import log_spaced, number, short
from ..sweep.words import left_out, teller
from .layout import MARGIN
from .page import Page
from .style import BLUE, FAINT, INK, VERMILION, WIDTH

TOP, PANEL, ABOVE, BELOW, LEFT, RIGHT, BETWEEN = 74, 300, 40, 66, 110, 40, 60
WIDEST = 4  # panels in a row
MOST_VALUES = 12  # of an option: with more, medians are of as many neighbouring points each
BINS = 6
LOG_RATIO = 30.0  # largest over smallest value of a metric from which its axis is logarithmic


def draw(sweep: Sweep, by: str = BITS) -> Figure:
    points, options = sweep.known(by), list(sweep.varied)
    columns = min(len(options), WIDEST) or 1
    rows = math.ceil(len(options) / columns)
    page = Page(WIDTH, TOP + rows * (PANEL + ABOVE + BELOW) + 10)
    title = f"Sweep of {sweep.directory.resolve().name}: {METRICS[by].label} by option"
    page.heading(MARGIN, title, _caption(sweep, by))
    panels = _panels(page, options, columns)
    first = best(sweep, by)
    for panel, name in zip(panels, options):
        _draw_panel(panel, name, points, by, first.point if first else None)
    _share_scale(panels, [point.metrics[by] for point in points], by, columns)
    return page.finish()


def medians(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median of y at each value of x; where these are many, of neighbouring points together."""
    distinct = np.unique(x)
    if len(distinct) <= MOST_VALUES:
        return distinct, np.array([np.median(y[x == value]) for value in distinct])
    order = np.argsort(x, kind="stable")
    bins = np.array_split(order, BINS)
    middles, values = (np.array([np.median(v[b]) for b in bins]) for v in (x, y))
    return middles, values


def _caption(sweep: Sweep, by: str) -> str:
    drawn = len(sweep.known(by))
    words = "Dots: points; line: median over all that the other options take"
    values = [{point.values.get(name) for point in sweep.known(by)} for name in sweep.varied]
    if any(len(each) > MOST_VALUES for each in values):
        words += ", of neighbouring points where it has many values"
    words += "; red ring: the best. " if METRICS[by].better else ". "
    return f"{drawn} finished points. {words}{left_out(sweep, by)}"


def _panels(page: Page, options: list[str], columns: int) -> list[Axes]:
    width = (WIDTH - LEFT - RIGHT - (columns - 1) * BETWEEN) // columns
    found = []
    for i, name in enumerate(options):
        row, column = divmod(i, columns)
        top = TOP + row * (PANEL + ABOVE + BELOW) + ABOVE
        axes = page.axes(LEFT + column * (width + BETWEEN), top, width, PANEL)
        axes.set_title(short(name), loc="left", fontsize=12, fontweight="bold")
        axes.grid(color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
        found.append(axes)
    return found


def _draw_panel(axes: Axes, name: str, points: list[Point], by: str, top: Point | None) -> None:
    having = [point for point in points if point.values.get(name)]
    texts = [point.values[name] for point in having]
    y = np.array([point.metrics[by] for point in having])
    x = _places(axes, texts)
    if len(y):
        axes.plot(*medians(x, y), color=INK, linewidth=1.4, zorder=2)
    style = {"s": 34, "color": BLUE, "alpha": 0.6, "linewidths": 0, "zorder": 3}
    axes.scatter(x, y, **style)
    if top in having:
        i = having.index(top)
        ring = {"s": 130, "facecolors": "none", "edgecolors": VERMILION, "linewidths": 2}
        axes.scatter(x[i], y[i], zorder=4, **ring)


def _places(axes: Axes, texts: list[str]) -> np.ndarray:
    """Where values stand: numbers on their axis, log where spaced so; words side by side."""
    numbers = [number(text) for text in texts]
    values = np.array([value for value in numbers if value is not None])
    if len(values) < len(texts):
        words = list(dict.fromkeys(texts))
        axes.set_xticks(range(len(words)), [_short_word(word) for word in words])
        axes.set_xlim(-0.5, len(words) - 0.5)
        return np.array([float(words.index(text)) for text in texts])
    log = log_spaced(values)
    if log:
        axes.set_xscale("log")
        axes.set_xlabel("log scale", color=FAINT, fontsize=10)
        axes.xaxis.set_minor_formatter(NullFormatter())
    distinct = dict(sorted(zip(values, texts)))
    if len(distinct) <= MOST_VALUES:
        axes.set_xticks(list(distinct), list(distinct.values()))
        axes.xaxis.set_minor_locator(NullLocator())
    elif log:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    axes.margins(x=0.08)
    return values


def _short_word(word: str, most: int = 14) -> str:
    return word if len(word) <= most else word[: most - 1] + "…"


def _share_scale(panels: list[Axes], values: list[float], by: str, columns: int) -> None:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    log = low > 0 and high > LOG_RATIO * low
    tick = teller(by, low, high)
    room = 0.07 * (high - low) or 0.05 * abs(high) or 1.0
    for i, axes in enumerate(panels):
        if log:
            axes.set_yscale("log")
            axes.set_ylim(low / 1.3, high * 1.3)
        else:
            axes.set_ylim(low - room, high + room)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: tick(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(labelleft=i % columns == 0)
        if i % columns == 0:
            axes.set_ylabel(METRICS[by].label, color=FAINT)
