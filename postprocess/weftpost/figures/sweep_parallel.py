"""Parallel coordinates of a sweep: a line for each point, through what it varied and came to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from ..metrics import METRICS
from ..sweep.best import ACCURACY, BITS, best
from ..sweep.collect import Point, Sweep
from ..sweep.columns import log_spaced, number, short
from ..sweep.words import TICKS, left_out, tell, teller
from .layout import MARGIN
from .page import Page
from .style import FAINT, INK, VERMILION, WIDTH, strength_map

HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 720, 170, 50, 110, 200
FOLLOWED = (BITS, ACCURACY, "density", "activity", "seconds", "peak_bytes")
MOST_TICKS = 8  # values of an option that each have their own tick
ROOM = 0.04  # above and below the values, of an axis's height
LONGEST, SHORTEST = 18, 8  # characters of a title's or tick's line
CHARACTER = 8.5  # pixels


@dataclass(frozen=True)
class Axis:
    """Where the points stand on one axis, from 0 below to 1 above, and what is written there."""

    title: str
    places: np.ndarray  # NaN: not known
    ticks: list[tuple[float, str]]


def draw(sweep: Sweep, by: str = BITS) -> Figure:
    points = sweep.known(by)
    page = Page(WIDTH, HEIGHT)
    label = METRICS[by].label
    page.heading(MARGIN, f"Sweep of {sweep.directory.resolve().name}: {label} of each point", "")
    page.text(MARGIN, 46, _caption(sweep, by), fontsize=11, color=FAINT, linespacing=1.5)
    axes = page.axes(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    axes.set_axis_off()
    axes.set_ylim(-ROOM, 1 + ROOM)
    shown = _axes(sweep, points, by)
    axes.set_xlim(0, max(len(shown) - 1, 1))
    colors = Normalize(*_range([point.metrics[by] for point in points]))
    _draw_lines(axes, shown, points, by, colors)
    first = best(sweep, by)
    if first:
        _draw_best(axes, shown, points.index(first.point))
    between = (WIDTH - LEFT - RIGHT) / max(len(shown) - 1, 1)
    for x, axis in enumerate(shown):
        _draw_axis(axes, x, axis, most=max(SHORTEST, int(between / CHARACTER)))
    _draw_scale(page, colors, label, by)
    return page.finish()


def _caption(sweep: Sweep, by: str) -> str:
    first = best(sweep, by)
    drawn = len(sweep.known(by))
    words = f"A line for each of {drawn} finished points. {left_out(sweep, by)}"
    if first:
        more = f" (and {first.equals} more as good)" if first.equals else ""
        name = _cut(first.point.name, 150)
        words += f"\nRed, dashed: the best, {name}{more}, {tell(by, first.value)}."
    return words


def _axes(sweep: Sweep, points: list[Point], by: str) -> list[Axis]:
    options = [_option_axis(name, points) for name in sweep.varied]
    names = dict.fromkeys((by, *FOLLOWED))  # each once
    return options + [_metric_axis(name, points) for name in names if _any(name, points)]


def _any(metric: str, points: list[Point]) -> bool:
    return any(math.isfinite(point.metrics[metric]) for point in points)


def _option_axis(name: str, points: list[Point]) -> Axis:
    texts = [point.values.get(name, "") for point in points]
    numbers = [number(text) for text in texts]
    known = [value for value in numbers if value is not None]
    if len(known) < sum(bool(text) for text in texts):
        return _word_axis(short(name), texts)
    values = np.array([np.nan if value is None else value for value in numbers], float)
    log = log_spaced(values)
    distinct = {value: text for value, text in zip(numbers, texts) if value is not None}
    title = short(name) + ("\n(log)" if log else "")
    if len(distinct) > MOST_TICKS:
        return _number_axis(title, values, log, _round_ticks(values, log))
    return _number_axis(title, values, log, sorted(distinct.items()))


def _word_axis(title: str, texts: list[str]) -> Axis:
    """Words at even distances, in the order in which they come."""
    words = [text for text in dict.fromkeys(texts) if text]
    steps = max(len(words) - 1, 1)
    heights = {word: i / steps if len(words) > 1 else 0.5 for i, word in enumerate(words)}
    places = np.array([heights.get(text, np.nan) for text in texts], float)
    return Axis(title, places, [(height, word) for word, height in heights.items()])


def _metric_axis(name: str, points: list[Point]) -> Axis:
    values = np.array([point.metrics[name] for point in points])
    low, high = _range(values)
    heights = np.linspace(low, high, TICKS if high > low else 1).tolist()
    tick = teller(name, low, high)
    ticks = [(value, tick(value)) for value in heights]
    return _number_axis(METRICS[name].label, values, False, ticks)


def _number_axis(
    title: str, values: np.ndarray, log: bool, ticks: list[tuple[float, str]]
) -> Axis:
    low, high = _range(values)

    def place(value: np.ndarray | float) -> np.ndarray:
        if high == low:
            return np.asarray(value) * 0 + 0.5
        if log:
            return np.log(np.asarray(value) / low) / math.log(high / low)
        return (np.asarray(value) - low) / (high - low)

    shown = [(float(place(value)), text) for value, text in ticks if low <= value <= high]
    return Axis(title, place(values), shown)


def _range(values: np.ndarray | list[float]) -> tuple[float, float]:
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def _round_ticks(values: np.ndarray, log: bool) -> list[tuple[float, str]]:
    low, high = _range(values)
    locator = LogLocator(subs=(1, 2, 5), numticks=20) if log else MaxNLocator(6)
    return [(float(value), f"{value:.4g}") for value in locator.tick_values(low, high)]


def _draw_lines(
    axes: Axes, shown: list[Axis], points: list[Point], by: str, colors: Normalize
) -> None:
    """The best last, so that they lie on top."""
    values = [point.metrics[by] for point in points]
    order = np.argsort(values, kind="stable")
    for i in order if METRICS[by].better != "least" else order[::-1]:
        style = {"color": strength_map()(colors(values[i])), "linewidth": 1.4, "alpha": 0.85}
        axes.plot([axis.places[i] for axis in shown], clip_on=False, marker=".", **style)


def _draw_best(axes: Axes, shown: list[Axis], index: int) -> None:
    places = [axis.places[index] for axis in shown]
    axes.plot(places, color="white", linewidth=5, clip_on=False)
    style = {"color": VERMILION, "linewidth": 2.6, "linestyle": (0, (4, 1.2)), "marker": "o"}
    axes.plot(places, clip_on=False, **style)


def _draw_axis(axes: Axes, x: int, axis: Axis, most: int) -> None:
    axes.plot([x, x], [-ROOM, 1 + ROOM], color=FAINT, linewidth=1.0, clip_on=False)
    title = _wrap(axis.title, min(most, LONGEST))
    axes.text(x, 1 + 2 * ROOM, title, ha="center", va="bottom", fontweight="bold", fontsize=10)
    box = {"facecolor": "white", "alpha": 0.8, "pad": 1.0, "linewidth": 0}
    for height, text in axis.ticks:
        axes.plot([x - 0.012, x], [height, height], color=FAINT, linewidth=1.0, clip_on=False)
        words = {"ha": "right", "va": "center", "fontsize": 9, "color": INK, "zorder": 9}
        axes.text(x - 0.03, height, _cut(text, min(most, LONGEST)), bbox=box, **words)


def _wrap(title: str, most: int = LONGEST) -> str:
    """Long names of options over several lines, at an underscore or a space."""
    lines = []
    for line in title.split("\n"):
        lines.append("")
        for part in line.replace("_", "_\0").replace(" ", " \0").split("\0"):
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > most:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip(" ") for line in lines)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _draw_scale(page: Page, colors: Normalize, label: str, by: str) -> None:
    axes = page.axes(WIDTH - 110, TOP, 18, HEIGHT - TOP - BOTTOM)
    bar = page.figure.colorbar(ScalarMappable(colors, strength_map()), cax=axes)
    bar.outline.set_visible(False)
    tick = teller(by, colors.vmin or 0.0, colors.vmax or 0.0)
    bar.formatter = lambda value, position: tick(value)
    bar.update_ticks()
    axes.tick_params(labelsize=9)
    axes.set_title(_wrap(label), fontsize=10, fontweight="bold", pad=12)
