"""What the pictures of groups share: their title, their labels and their frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..geometry import describe_inputs
from ..runfile import Run
from .layout import HEADER, LABEL, MARGIN, Layout
from .page import Page

FRAME_GREY = 0.2
BETWEEN_GREY = 0.7  # between the atoms of a group
LONGEST_NAME = 48

# draw_group(page, group, lefts of its tiles, their top)
DrawGroup = Callable[[Page, int, list[int], int], None]


def title(run: Run) -> str:
    layer = run.layer
    return (
        f"{_short(run.path.name)} ({run.status()}){_which(run)}: {describe_inputs(run.picture, layer.d)}, "
        f"k = {layer.k} atoms in groups of p = {layer.group_size}, "
        f"{int(layer.alive.sum())} of {layer.groups} groups alive"
    )


def order_note(run: Run, shown: int) -> str:
    alive = int(run.layer.alive.sum())
    which = f"The {shown} most used" if shown < alive else "All alive"
    if run.layer.usage is None:
        return f"{which} groups by norm: the file has no usage yet."
    return f"{which} groups with their usage: the fraction of samples in which they are active."


def draw_groups(page: Page, run: Run, groups: np.ndarray, layout: Layout, draw: DrawGroup) -> None:
    for group, (left, top) in zip(groups, layout.frames()):
        page.text(left, top - LABEL + 2, label(run, int(group)), fontsize=8)
        page.box(left, top, layout.frame_width, layout.frame_height, FRAME_GREY)
        page.box(left + 1, top + 1, layout.frame_width - 2, layout.tile_height, BETWEEN_GREY)
        draw(page, int(group), layout.tile_lefts(left), top + 1)
    if not len(groups):
        page.text(MARGIN, HEADER, "No group is alive: nothing to draw.", fontsize=12)


def _which(run: Run) -> str:
    return f", layer {run.index}" if run.index else ""


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def label(run: Run, group: int) -> str:
    usage = run.layer.usage
    return f"#{group}" if usage is None else f"{100 * usage[group]:.2g} %  (#{group})"


def enlarge(image: np.ndarray, zoom: int) -> np.ndarray:
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)
