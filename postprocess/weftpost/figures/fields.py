"""Receptive fields: which inputs each group connects to, where, and how many."""

from __future__ import annotations

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..geometry import Picture
from ..runfile import Run
from . import layout as layouts
from .field_summary import SUMMARY_HEIGHT, draw_summary
from .groups import DrawGroup, draw_groups, enlarge, order_note, title
from .layout import MARGIN, Layout
from .page import Page
from .style import BLUE, strength_map

BAR_HEIGHT, BAR_WIDTH = 48, 180
TITLE_NOTE = "White: no connection. One scale per group."


def draw(run: Run, most: int) -> Figure:
    groups = run.layer.most_used()[:most]
    picture = run.picture
    shape = (BAR_HEIGHT, BAR_WIDTH) if picture is None else (picture.height, picture.width)
    layout = layouts.choose(len(groups), 1, *shape, layouts.TALLEST - SUMMARY_HEIGHT)
    page = Page(layout.width, layout.bottom + SUMMARY_HEIGHT)
    page.heading(MARGIN, title(run), f"{order_note(run, len(groups))} {TITLE_NOTE}")
    draw_group = _bars(run, layout) if picture is None else _heat_maps(run, layout)
    draw_groups(page, run, groups, layout, draw_group)
    if picture is not None:
        _draw_scale(page)
    draw_summary(page, run, layout.bottom)
    return page.finish()


def field_image(connectivity: np.ndarray, picture: Picture) -> np.ndarray:
    """[height, width, 3]; a pixel is white only if none of its channels is connected."""
    strength = np.sqrt((picture.unfold(connectivity.astype(float)) ** 2).sum(axis=-1))
    strongest = strength.max()
    image = strength_map()(strength / strongest if strongest else strength)[:, :, :3]
    connected = picture.unfold(connectivity != 0).any(axis=-1)
    image[~connected] = 1.0
    return image


def _heat_maps(run: Run, layout: Layout) -> DrawGroup:
    assert run.picture is not None
    picture = run.picture

    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        image = field_image(run.layer.connectivity[:, group], picture)
        page.paste(lefts[0], top, enlarge(image, layout.zoom))

    return draw_group


def _bars(run: Run, layout: Layout) -> DrawGroup:
    def draw_group(page: Page, group: int, lefts: list[int], top: int) -> None:
        draw_bars(page, run.layer.connectivity[:, group], lefts[0], top, layout)

    return draw_group


def draw_bars(page: Page, field: np.ndarray, left: int, top: int, layout: Layout) -> None:
    """In a tile, over the index of the input."""
    across = (np.arange(len(field)) + 0.5) / len(field) * layout.tile_width
    page.box(left, top, layout.tile_width, layout.tile_height, 1.0)
    connected = np.flatnonzero(field)
    height = 0.94 * layout.tile_height * field[connected] / (field.max() or 1.0)
    x, floor = left + across[connected], top + layout.tile_height
    ends = np.stack([x, np.full_like(x, floor), x, floor - height], axis=1)
    page.lines(list(ends.reshape(-1, 2, 2)), BLUE, max(0.5, 0.6 * layout.tile_width / len(field)))


def _draw_scale(page: Page) -> None:
    axes = page.axes(page.width - MARGIN - 220, 50, 180, 10)
    bar = page.figure.colorbar(
        ScalarMappable(Normalize(0, 1), strength_map()), cax=axes, orientation="horizontal"
    )
    bar.set_ticks([0, 1], labels=["weak", "strongest"])
    bar.ax.tick_params(labelsize=8, length=0)
