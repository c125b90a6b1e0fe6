"""A page of panels side by side, one for each data set."""

from __future__ import annotations

from matplotlib.axes import Axes

from .layout import MARGIN
from .page import Page
from .style import FAINT, WIDTH

TOP, LEFT, RIGHT, BOTTOM, BETWEEN = 140, 90, 30, 80, 90


def panels(
    title: str,
    subtitle: str,
    names: list[str],
    height: int = 640,
    right: int = RIGHT,
    between: int = BETWEEN,
) -> tuple[Page, list[Axes]]:
    """right: room beside the last panel, for a legend that all share; between: from panel to panel."""
    page = Page(WIDTH, height)
    page.heading(MARGIN, title, subtitle)
    count = max(1, len(names))
    width = (WIDTH - LEFT - right - (count - 1) * between) // count
    found = []
    for number, name in enumerate(names):
        left = LEFT + number * (width + between)
        axes = page.axes(left, TOP, width, height - TOP - BOTTOM)
        axes.set_title(name, loc="left", fontsize=12, color=FAINT)
        axes.grid(color="0.92", linewidth=0.8)
        axes.set_axisbelow(True)
        found.append(axes)
    return page, found
