"""How the first layer was learnt, iteration by iteration."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from ..errors import UserError
from ..runfile import History, Run
from .groups import title
from .layout import MARGIN
from .page import Page
from .style import BLUE, FAINT, ORANGE, VERMILION, WIDTH

HEIGHT = 1180
TOP, PANEL, SPACE = 100, 226, 32
LEFT, RIGHT = 120, 40


def draw(run: Run) -> Figure:
    history = run.history
    if history is None:
        raise UserError(f"{run.path}: no /history/0 in the file, so there is no history to draw")
    if not len(history.iteration):
        page = Page(WIDTH, TOP)
        page.heading(MARGIN, title(run), "No iteration has been recorded yet.")
        return page.finish()
    page = Page(WIDTH, HEIGHT)
    page.heading(MARGIN, title(run), _subtitle(history))
    panels = _panels(page, history)
    _draw_costs(panels[0], history)
    _draw_percent(panels[1], history, history.active_fraction, "active groups\n(% per sample)")
    _draw_percent(panels[2], history, history.connection_density, "connections\n(% of possible)")
    _draw_gaps(panels[3], history)
    _mark_freeze(panels, run)
    return page.finish()


def _subtitle(history: History) -> str:
    count = len(history.iteration)
    return (
        f"{count} iteration{'s' * (count > 1)} of one batch each; "
        f"last objective {history.objective[-1]:.4g}, "
        f"worst duality gap {history.max_gap.max():.2g}"
    )


def _panels(page: Page, history: History) -> list[Axes]:
    width = page.width - LEFT - RIGHT
    panels = [page.axes(LEFT, TOP + i * (PANEL + SPACE), width, PANEL) for i in range(4)]
    for panel in panels:
        panel.grid(axis="y", color="0.9", linewidth=0.8)
        panel.set_axisbelow(True)
        panel.yaxis.set_label_coords(-0.05, 0.5)
    for panel in panels[:-1]:
        panel.sharex(panels[-1])
        panel.tick_params(labelbottom=False)
    panels[-1].set_xlabel("iteration (batches)")
    panels[-1].set_xlim(history.iteration.min() - 0.5, history.iteration.max() + 0.5)
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    return panels


def _curve(axes: Axes, history: History, values: np.ndarray, color: str, name: str = "") -> None:
    marker = "o" if len(values) == 1 else None  # a line through one point would not show
    axes.plot(history.iteration, values, color=color, linewidth=1.4, marker=marker, label=name)


def _draw_costs(axes: Axes, history: History) -> None:
    _curve(axes, history, history.objective, BLUE, "objective J")
    _curve(axes, history, history.reconstruction, ORANGE, "reconstruction term")
    axes.set_ylabel("cost per sample\n(dimensionless)")
    _name_curves(axes)


def _draw_percent(axes: Axes, history: History, fraction: np.ndarray, name: str) -> None:
    _curve(axes, history, 100 * fraction, BLUE)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(name)


def _draw_gaps(axes: Axes, history: History) -> None:
    _curve(axes, history, history.max_gap, VERMILION, "worst sample")
    _curve(axes, history, history.mean_gap, BLUE, "mean of samples")
    gaps = np.concatenate([history.max_gap, history.mean_gap])
    shown = gaps[np.isfinite(gaps) & (gaps > 0)]  # a gap of exactly zero breaks the curve
    if shown.size:
        decades = np.log10(shown)
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(10 ** np.floor(decades.min()), 10 ** (np.floor(decades.max()) + 1))
    axes.set_ylabel("relative duality gap\n(dimensionless)")
    _name_curves(axes)


def _name_curves(axes: Axes) -> None:
    """Above the panel, where no curve can run through it."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=2, borderaxespad=0)


def _mark_freeze(panels: list[Axes], run: Run) -> None:
    history, freeze = run.history, run.freeze_iteration
    if freeze is None or history is None:
        return
    if freeze > history.iteration.max():  # a checkpoint from before the freeze
        return
    first, last = history.iteration.min(), history.iteration.max()
    left = freeze > first + 0.75 * (last - first)
    for panel in panels:
        panel.axvline(freeze, color=FAINT, linewidth=1.2, linestyle="--")
    panels[0].annotate(
        "weights frozen: one fixed J from here",
        (freeze, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if left else 6, -4),
        textcoords="offset points",
        va="top",
        ha="right" if left else "left",
        color=FAINT,
        fontsize=10,
    )
