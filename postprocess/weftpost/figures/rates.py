"""Samples per CPU-second of each solver, by problem and target gap."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..bench.result import Rate
from ..bench.turns import Comparison
from .layout import MARGIN
from .page import Page
from .style import BLUE, FAINT, GREEN, INK, ORANGE, VERMILION, WIDTH

HEIGHT = 720
TOP, LEFT, RIGHT, BOTTOM = 130, 120, 40, 70
COLORS = (BLUE, ORANGE, GREEN, VERMILION, FAINT)
SPACE = 0.8  # of the room between two places, what the bars of one take


def draw(comparison: Comparison) -> Figure:
    bench = comparison.bench
    page = Page(WIDTH, HEIGHT)
    title = "Sparse coding: samples per CPU-second"
    page.heading(MARGIN, title, f"{bench.machine}; BLAS {bench.blas}")
    axes = page.axes(LEFT, TOP, page.width - LEFT - RIGHT, page.height - TOP - BOTTOM)
    axes.set_yscale("log")
    measured = [rate for each in comparison.rates for rate in each.rates] or [bench.gemm]
    floor, most = min(measured) / 3, max(bench.gemm, *measured)
    axes.set_ylim(floor, 2 * most)
    _bars(axes, comparison.rates, floor)
    line = {"color": INK, "linewidth": 1.2, "linestyle": "--"}
    axes.axhline(bench.gemm, label=f"GEMM, X D': {bench.gemm:,.0f}", **line)
    axes.set_ylabel("samples per CPU-second")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, borderaxespad=0)
    return page.finish()


def family(solver: str) -> str:
    """A solver without its setting, which differs by target."""
    return solver.partition(" (")[0]


def _bars(axes: Axes, rates: list[Rate], floor: float) -> None:
    places = list(dict.fromkeys((rate.problem, rate.target) for rate in rates))
    families = list(dict.fromkeys(family(rate.solver) for rate in rates))
    for number, name in enumerate(families):
        color = COLORS[number % len(COLORS)]
        shown = [rate for rate in rates if family(rate.solver) == name]
        at = [_left(places, families, rate) for rate in shown]
        heights = [rate.rate or 0 for rate in shown]
        axes.bar(at, heights, SPACE / len(families), color=color, label=name)
        for x, rate in zip(at, shown):
            _label(axes, x, rate, floor)
    for place, (problem, _) in enumerate(places):
        if problem != "L":
            _say(axes, place + 0.25 * SPACE, floor, "scikit-learn has no solver")
    names = [f"problem {problem}, target gap {gap:.0e}" for problem, gap in places]
    axes.set_xticks(range(len(places)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(places) - 0.5)


def _left(places: list[tuple[str, float]], families: list[str], rate: Rate) -> float:
    """The middle of a bar: those that share a place stand side by side."""
    here = places.index((rate.problem, rate.target))
    return here + ((families.index(family(rate.solver)) + 0.5) / len(families) - 0.5) * SPACE


def _label(axes: Axes, x: float, rate: Rate, floor: float) -> None:
    if rate.rate is None:
        _say(axes, x, floor, "not reached")
        return
    axes.vlines(x, min(rate.rates), max(rate.rates), color=INK, linewidth=1.2)
    style = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    axes.annotate(f"{rate.rate:,.0f}", (x, max(rate.rates)), fontsize=10, **style)


def _say(axes: Axes, x: float, floor: float, words: str) -> None:
    """In place of a bar."""
    style = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    axes.annotate(words, (x, floor), rotation=90, color=FAINT, fontsize=10, **style)
