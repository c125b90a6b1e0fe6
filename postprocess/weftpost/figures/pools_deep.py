"""What feeds the groups of a further layer: pools below, by where they look in the samples."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..errors import UserError
from ..geometry import Picture
from ..pools import between_pairs, relate, within_pairs
from ..runfile import Layer, Run, read_run
from . import layout as layouts
from .fields import BAR_HEIGHT, BAR_WIDTH, draw_bars, field_image
from .groups import DrawGroup, draw_groups, enlarge, order_note, title
from .layout import LABEL, MARGIN, Layout
from .page import Page
from .pools import ABOVE, BELOW, NARROWEST, SUMMARY, name_pairs, panels
from .shares import BARS, compare_shares
from .style import BLUE, FAINT, ORANGE

FEEDING = 5  # pools of the layer below that are drawn of each group
LEAST = 0.02  # of the strongest pool's share: pools with less are not drawn
MOST_SUMMED = 12
EMPTY_GREY = 0.93
NOTE = "First where it looks in the samples, then the pools of layer {} that feed it, by share."


def draw(run: Run, most: int) -> Figure:
    """Of layer 1 or further."""
    layer = run.layer
    first = read_run(run.path)
    fields = _fields_below(run, first.layer)
    groups = layer.most_used()[:most]
    picture = first.picture
    shape = (BAR_HEIGHT, BAR_WIDTH) if picture is None else (picture.height, picture.width)
    tallest = layouts.TALLEST - SUMMARY - ABOVE
    tiles = 1 + min(FEEDING, layer.d)
    layout = layouts.choose(len(groups), tiles, *shape, tallest)
    page = Page(layout.width, layout.bottom + ABOVE + SUMMARY + BELOW)
    note = NOTE.format(run.index - 1)
    page.heading(MARGIN, title(run), f"{order_note(run, len(groups))} {note}")
    draw_groups(page, run, groups, layout, _tiles(run, fields, picture, layout))
    _summary(page, run, fields, layout.bottom + 6)
    return page.finish()


def combined(fields: np.ndarray, connectivity: np.ndarray) -> np.ndarray:
    """[d, groups]: where groups look: the fields of the pools that feed them, each by its share."""
    energy = fields.astype(float) ** 2
    total = energy.sum(axis=0)
    energy = energy / np.where(total > 0, total, 1.0)
    found: np.ndarray = np.sqrt(energy @ connectivity.astype(float) ** 2)
    return found


def shares(connectivity: np.ndarray) -> np.ndarray:
    """The part of each group's connections, squared, that each input has; columns sum to one."""
    energy = connectivity.astype(float) ** 2
    total = energy.sum(axis=0)
    found: np.ndarray = energy / np.where(total > 0, total, 1.0)
    return found


def _fields_below(run: Run, first: Layer) -> np.ndarray:
    """[d, groups of the layer below], in the samples."""
    fields, below, index = first.connectivity, first, 0
    while index < run.index:
        layer = run.layer if index + 1 == run.index else read_run(run.path, index + 1).layer
        if below.shared or layer.d != fields.shape[1]:
            raise UserError(
                f"{run.path}: the inputs of layer {index + 1} are places of a shared layer, "
                "not its pools: pools draws layer 0 of it alone"
            )
        below, index = layer, index + 1
        if index < run.index:
            fields = combined(fields, layer.connectivity)
    return fields


def _tiles(run: Run, fields: np.ndarray, picture: Picture | None, layout: Layout) -> DrawGroup:
    connectivity = run.layer.connectivity
    parts = shares(connectivity)

    def draw_field(page: Page, field: np.ndarray, left: int, top: int) -> None:
        if picture is None:
            draw_bars(page, field, left, top, layout)
        else:
            page.paste(left, top, enlarge(field_image(field, picture), layout.zoom))

    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        enough = parts[:, group] > LEAST * parts[:, group].max()
        own = combined(fields, (connectivity[:, group] * enough)[:, None])[:, 0]
        draw_field(page, own, lefts[0], top)
        for left, pool in zip(lefts[1:], np.argsort(-parts[:, group], kind="stable")):
            if not enough[pool]:
                page.box(left, top, layout.tile_width, layout.tile_height, EMPTY_GREY)
                continue
            draw_field(page, fields[:, pool], left, top)
            if layout.tile_width >= NARROWEST:
                words = {"ha": "right", "fontsize": 8, "color": FAINT}
                text = f"{100 * parts[pool, group]:.0f}%"
                page.text(left + layout.tile_width, top - LABEL + 1, text, **words)

    return draw_group


def _summary(page: Page, run: Run, fields: np.ndarray, top: int) -> None:
    layer = run.layer
    connectivity = layer.connectivity[:, layer.alive]
    own, others = (
        relate(layer, None, pairs).envelope for pairs in (within_pairs(layer), between_pairs(layer))
    )
    fed, apart = feeding_overlaps(fields, connectivity)
    name_pairs(page, top, "Pairs", "that belong to one pool", "that do not")
    axes = panels(page, top, 4)
    for panel, values, others_, name in (
        (axes[0], own, others, "atoms: overlap of envelopes"),
        (axes[1], fed, apart, "pools that feed it: overlap of fields"),
    ):
        panel.set_title(name, loc="left", fontsize=11)
        panel.set_xlabel("cosine")
        compare_shares(panel, [(others_, ORANGE), (values, BLUE)], np.linspace(0, 1, BARS + 1))
    _counts(axes[2], connectivity)
    _concentration(axes[3], shares(connectivity))


def feeding_overlaps(
    fields: np.ndarray, connectivity: np.ndarray, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of the fields of pools that feed one group, and of as many pairs drawn at random."""
    unit = fields / np.where(fields.any(axis=0), np.linalg.norm(fields, axis=0), 1.0)
    strongest = np.argsort(-connectivity, axis=0, kind="stable")[:FEEDING]
    pairs = []
    for column, pools in enumerate(strongest.T):
        feeding = pools[connectivity[pools, column] > 0]
        pairs += [(a, b) for i, a in enumerate(feeding) for b in feeding[i + 1 :]]
    found = np.array(pairs, int).reshape(-1, 2)
    alive = np.flatnonzero(fields.any(axis=0))
    drawn = np.random.default_rng(seed).choice(alive, (len(found), 2)) if alive.size else found
    drawn = drawn[drawn[:, 0] != drawn[:, 1]]
    first, second = ((unit[:, p[:, 0]] * unit[:, p[:, 1]]).sum(axis=0) for p in (found, drawn))
    return first, second


def _counts(axes: Axes, connectivity: np.ndarray) -> None:
    axes.set_title("pools that feed each", loc="left", fontsize=11)
    axes.set(xlabel="pools of the layer below", ylabel="groups")
    counts = (connectivity != 0).sum(axis=0)
    if counts.size:
        step = (counts.max() - counts.min()) // 30 + 1
        edges = np.arange(counts.min(), counts.max() + step + 1, step) - 0.5
        axes.hist(counts, bins=edges, color=BLUE, alpha=0.8, edgecolor="white", linewidth=0.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))


def _concentration(axes: Axes, parts: np.ndarray) -> None:
    axes.set_title("share of the strongest", loc="left", fontsize=11)
    axes.set(xlabel="pools of the layer below", ylabel="% of all, squared", ylim=(0, 103))
    sums = 100 * np.cumsum(-np.sort(-parts, axis=0), axis=0)
    shown = np.arange(1, min(len(sums), MOST_SUMMED) + 1)
    if sums.size:
        low, middle, high = np.percentile(sums[: len(shown)], (10, 50, 90), axis=1)
        axes.fill_between(shown, low, high, color=BLUE, alpha=0.25, linewidth=0)
        axes.plot(shown, middle, color=BLUE, marker=".")
        words = {"transform": axes.transAxes, "ha": "right", "color": FAINT}
        axes.text(0.97, 0.05, "median; 10 to 90 %", **words)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
