"""The atoms, group by group: pictures where the inputs are pictures, curves where not."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..geometry import Picture
from ..runfile import Run
from . import layout as layouts
from .groups import DrawGroup, draw_groups, enlarge, order_note, title
from .layout import MARGIN, Layout
from .page import Page
from .style import BLUE

CURVE_HEIGHT, CURVE_WIDTH = 44, 90


def draw(run: Run, most: int) -> Figure:
    groups = run.layer.most_used()[:most]
    height, width = tile_shape(run.picture)
    layout = layouts.choose(len(groups), run.layer.group_size, height, width)
    page = Page(layout.width, layout.bottom)
    page.heading(MARGIN, title(run), f"{order_note(run, len(groups))} {_scale_note(run.picture)}")
    draw_group = _curves(run, layout) if run.picture is None else _pictures(run, layout)
    draw_groups(page, run, groups, layout, draw_group)
    return page.finish()


def atom_image(atom: np.ndarray, picture: Picture, scale: float) -> np.ndarray:
    """[height, width, 3] in 0..1 with zero at mid grey; odd channel counts lie side by side."""
    unfolded = 0.5 + 0.5 * picture.unfold(atom.astype(float)) / (scale or 1.0)
    if picture.channels == 3:
        return unfolded
    side_by_side = np.concatenate(np.moveaxis(unfolded, -1, 0), axis=1)
    return np.repeat(side_by_side[:, :, None], 3, axis=2)


def tile_shape(picture: Picture | None) -> tuple[int, int]:
    if picture is None:
        return CURVE_HEIGHT, CURVE_WIDTH
    across = 1 if picture.channels == 3 else picture.channels
    return picture.height, picture.width * across


def _scale_note(picture: Picture | None) -> str:
    if picture is None:
        return "Curves over the index of the input; one scale per group, the line is zero."
    if picture.channels == 3:
        return "Mid grey is zero; one scale per group."
    beside = "" if picture.channels == 1 else " Channels side by side."
    return "Mid grey is zero, white positive, black negative; one scale per group." + beside


def _pictures(run: Run, layout: Layout) -> DrawGroup:
    assert run.picture is not None
    picture = run.picture

    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        atoms = run.layer.group_atoms(group)
        scale = float(np.abs(atoms).max())
        for left, atom in zip(lefts, atoms.T):
            page.paste(left, top, enlarge(atom_image(atom, picture, scale), layout.zoom))

    return draw_group


def _curves(run: Run, layout: Layout) -> DrawGroup:
    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        atoms = run.layer.group_atoms(group)
        scale = float(np.abs(atoms).max()) or 1.0
        for left, atom in zip(lefts, atoms.T):
            draw_curve(page, atom / scale, left, top, layout)

    return draw_group


def draw_curve(page: Page, values: np.ndarray, left: int, top: int, layout: Layout) -> None:
    """In a tile, over the index of the input; values in -1..1."""
    across = (np.arange(len(values)) + 0.5) / len(values) * layout.tile_width
    middle, half = top + layout.tile_height / 2, 0.46 * layout.tile_height
    page.box(left, top, layout.tile_width, layout.tile_height, 1.0)
    page.box(left, int(middle), layout.tile_width, 1, 0.8)
    page.lines([np.stack([left + across, middle - half * values], axis=1)], BLUE, 0.8)
