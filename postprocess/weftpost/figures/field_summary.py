"""All alive groups at once: where their receptive fields lie, and how large they are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..geometry import Picture, centroids_and_spreads, positions_of
from ..runfile import Run
from .page import Page
from .style import BLUE, VERMILION

PLOT_HEIGHT = 380
ABOVE, BELOW = 44, 64
LEFT, BETWEEN, RIGHT = 90, 110, 60
BARS = 30
SUMMARY_HEIGHT = ABOVE + PLOT_HEIGHT + BELOW


def draw_summary(page: Page, run: Run, top: int) -> None:
    places, counts = _axes(page, run.picture, top + ABOVE)
    field = run.layer.connectivity[:, run.layer.alive]
    centroids, spreads = centroids_and_spreads(
        field.astype(float) ** 2, positions_of(run.picture, run.layer.d)
    )
    if run.picture is None:
        _draw_line_places(places, centroids[:, 0], spreads, run.layer.d)
    else:
        _draw_picture_places(places, centroids, run.picture)
    _draw_counts(counts, (field != 0).sum(axis=0), run.layer.d)


def _axes(page: Page, picture: Picture | None, top: int) -> tuple[Axes, Axes]:
    """Side by side; the first as wide as the picture is, at the same scale both ways."""
    room = page.width - LEFT - BETWEEN - RIGHT
    first = room // 2
    if picture is not None:
        first = min(first, round(PLOT_HEIGHT * picture.width / picture.height))
        first = max(first, 240)  # room for its title
    return (
        page.axes(LEFT, top, first, PLOT_HEIGHT),
        page.axes(LEFT + first + BETWEEN, top, room - first, PLOT_HEIGHT),
    )


def _draw_picture_places(axes: Axes, centroids: np.ndarray, picture: Picture) -> None:
    axes.scatter(centroids[:, 1], centroids[:, 0], s=18, color=BLUE, alpha=0.6, linewidths=0)
    axes.set(xlim=(-0.5, picture.width - 0.5), ylim=(picture.height - 0.5, -0.5))
    axes.set(xlabel="column (pixels)", ylabel="row (pixels)", aspect="equal")
    axes.set_title("Centroids of all receptive fields", fontsize=11)
    axes.spines[["top", "right"]].set_visible(True)


def _draw_line_places(axes: Axes, centroids: np.ndarray, spreads: np.ndarray, d: int) -> None:
    axes.scatter(centroids, spreads, s=18, color=BLUE, alpha=0.6, linewidths=0)
    axes.set(xlim=(-0.5, d - 0.5), xlabel="centroid (index of the input)")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("RMS distance from it (inputs)")
    axes.set_title("Place and size of all receptive fields", fontsize=11)


def _draw_counts(axes: Axes, counts: np.ndarray, d: int) -> None:
    axes.set(xlabel="connections (% of the inputs)", ylabel="groups")
    axes.set_title("Connections per alive group", fontsize=11)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if not counts.size:
        axes.set(xlim=(0, 100), ylim=(0, 1))
        return
    edges = 100 * _whole_edges(counts) / d
    axes.hist(100 * counts / d, bins=edges, color=BLUE, alpha=0.8, edgecolor="white", linewidth=0.5)
    axes.set_xlim(left=min(0.0, edges[0]))
    axes.margins(y=0.14)  # keeps the words below clear of the bars
    _mark_median(axes, float(np.median(100 * counts / d)))


def _whole_edges(counts: np.ndarray) -> np.ndarray:
    """Bars that hold equally many whole numbers each, or the gaps between them would mislead."""
    step = (counts.max() - counts.min()) // BARS + 1
    return np.arange(counts.min(), counts.max() + step + 1, step) - 0.5


def _mark_median(axes: Axes, median: float) -> None:
    axes.axvline(median, color=VERMILION, linewidth=1.5)
    axes.annotate(
        f"median {median:.2g} %",
        (median, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(6, -2),
        textcoords="offset points",
        va="top",
        color=VERMILION,
    )
