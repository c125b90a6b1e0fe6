"""What is pooled: a group's receptive field, its atoms by phase, how atoms of pools go together."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..geometry import Picture
from ..pools import Relations, between_pairs, phases, relate, within_pairs
from ..runfile import Run
from . import layout as layouts
from .atoms import atom_image, draw_curve, tile_shape
from .fields import draw_bars, field_image
from .groups import DrawGroup, draw_groups, enlarge, order_note, title
from .layout import LABEL, MARGIN, Layout
from .page import Page
from .shares import BARS, compare_shares
from .style import BLUE, FAINT, INK, ORANGE

SUMMARY, ABOVE, BELOW = 250, 72, 66  # the panels under the groups
LEFT, RIGHT, BETWEEN = 80, 30, 80
DARK_ORANGE = "#9a6700"  # of words: orange itself is too light to read
NARROWEST = 40  # pixels of a tile in which a phase has room


def draw(run: Run, most: int) -> Figure:
    """Of layer 0."""
    layer, picture = run.layer, run.picture
    groups = layer.most_used()[:most]
    height, width = tile_shape(picture)
    tallest = layouts.TALLEST - SUMMARY - ABOVE
    layout = layouts.choose(len(groups), layer.group_size + 1, height, width, tallest)
    page = Page(layout.width, layout.bottom + ABOVE + SUMMARY + BELOW)
    page.heading(MARGIN, title(run), f"{order_note(run, len(groups))} {_tile_note(picture)}")
    draw_group = _pictures(run, picture, layout) if picture else _curves(run, layout)
    draw_groups(page, run, groups, layout, draw_group)
    within, between = (
        relate(layer, picture, pairs) for pairs in (within_pairs(layer), between_pairs(layer))
    )
    _summary(page, within, between, layout.bottom + 6)
    return page.finish()


def by_phase(atoms: np.ndarray, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """The order of a group's atoms by phase against its first, and these phases, 0 to 360."""
    found = phases(atoms, picture) % 360
    found[found > 359.5] = 0  # round-off below zero
    order = np.argsort(found, kind="stable")
    return order, found[order]


def _tile_note(picture: Picture | None) -> str:
    if picture is None:
        return "First the inputs that the group connects to, then its atoms."
    return "First the pooled receptive field, then the atoms by phase against the group's first."


def _pictures(run: Run, picture: Picture, layout: Layout) -> DrawGroup:
    across = 1 if picture.channels == 3 else picture.channels

    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        atoms = run.layer.group_atoms(group)
        field = field_image(run.layer.connectivity[:, group], picture)
        page.box(lefts[0], top, layout.tile_width, layout.tile_height, 1.0)
        # Several channels lie side by side in an atom's tile; a field is one picture in the middle.
        shift = (across - 1) * picture.width * layout.zoom // 2
        page.paste(lefts[0] + shift, top, enlarge(field, layout.zoom))
        scale = float(np.abs(atoms).max())
        order, angles = by_phase(atoms, picture)
        for left, i, angle in zip(lefts[1:], order, angles):
            page.paste(left, top, enlarge(atom_image(atoms[:, i], picture, scale), layout.zoom))
            if layout.tile_width >= NARROWEST and atoms[:, i].any():
                words = {"ha": "right", "fontsize": 8, "color": FAINT}
                page.text(left + layout.tile_width, top - LABEL + 1, f"{angle:.0f}°", **words)

    return draw_group


def _curves(run: Run, layout: Layout) -> DrawGroup:
    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        atoms = run.layer.group_atoms(group)
        draw_bars(page, run.layer.connectivity[:, group], lefts[0], top, layout)
        scale = float(np.abs(atoms).max()) or 1.0
        for left, atom in zip(lefts[1:], atoms.T):
            draw_curve(page, atom / scale, left, top, layout)

    return draw_group


def _summary(page: Page, within: Relations, between: Relations, top: int) -> None:
    """A histogram for each relation: pairs of atoms of one pool, beside pairs of different ones."""
    shown = [
        ("overlap of envelopes", "cosine of |atoms|", within.envelope, between.envelope, 1.0),
        ("likeness of atoms", "|cosine|; 1: the same twice", within.cosine, between.cosine, 1.0),
    ]
    if within.turn is not None and between.turn is not None:
        shown.append(("angle between orientations", "degrees", within.turn, between.turn, 90.0))
    if within.shift is not None and between.shift is not None:
        words = "degrees, but for the sign; 90: quadrature"
        shown.append(("shift of phase", words, within.shift, between.shift, 90.0))
    counts = [f"{len(pairs.envelope):,} of" for pairs in (within, between)]
    name_pairs(page, top, "Pairs of atoms", f"{counts[0]} one pool", f"{counts[1]} different pools")
    for axes, (name, unit, own, others, limit) in zip(panels(page, top, len(shown)), shown):
        axes.set_title(name, loc="left", fontsize=11)
        axes.set_xlabel(unit)
        compare_shares(axes, [(others, ORANGE), (own, BLUE)], np.linspace(0, limit, BARS + 1))
        if limit == 90:
            axes.set_xticks([0, 30, 60, 90])


def panels(page: Page, top: int, count: int) -> list[Axes]:
    width = (page.width - LEFT - RIGHT - (count - 1) * BETWEEN) // count
    found = [
        page.axes(LEFT + i * (width + BETWEEN), top + ABOVE - 14, width, SUMMARY)
        for i in range(count)
    ]
    found[0].set_ylabel("% of the pairs")
    return found


def name_pairs(page: Page, top: int, things: str, own: str, others: str) -> None:
    """The legend of the histograms, as words in their colours."""
    left = MARGIN
    words = ((f"{things}, medians dashed:", INK), (own, BLUE), (others, DARK_ORANGE))
    for text, color in words:
        page.text(left, top, text, fontsize=12, fontweight="bold", color=color)
        left += round(9.6 * len(text)) + 16
