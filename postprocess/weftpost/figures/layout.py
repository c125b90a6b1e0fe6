"""Places groups on a page, in whole pixels: an atom's pixel is a square of screen pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from .style import WIDTH

MARGIN = 24
HEADER = 84
LABEL = 17  # room for a group's label, above its frame
GAP = 12  # between groups, at least
WIDEST_GAP = 40
LABEL_WIDTH = 84  # no group takes less than its label
FRAME = 1
TALLEST = 1400  # past this a page no longer fits a screen
LARGEST_TILE = 168  # a few groups are not blown up past this


@dataclass(frozen=True)
class Layout:
    """columns x rows of groups, each a frame around `tiles` tiles side by side."""

    tiles: int
    tile_height: int  # on the page
    tile_width: int
    zoom: int
    columns: int
    rows: int
    count: int

    @property
    def frame_width(self) -> int:
        return self.tiles * (self.tile_width + FRAME) + FRAME

    @property
    def frame_height(self) -> int:
        return self.tile_height + 2 * FRAME

    @property
    def cell_width(self) -> int:
        return max(self.frame_width, LABEL_WIDTH)

    @property
    def step_x(self) -> int:
        """Columns spread over the page, though not so far that rows fall apart."""
        spare = self.width - 2 * MARGIN - self.columns * self.cell_width
        return self.cell_width + min(spare // max(1, self.columns - 1), WIDEST_GAP)

    @property
    def step_y(self) -> int:
        return self.frame_height + LABEL + GAP

    @property
    def width(self) -> int:
        return max(WIDTH, self.columns * (self.cell_width + GAP) - GAP + 2 * MARGIN)

    @property
    def bottom(self) -> int:
        return HEADER + self.rows * self.step_y - GAP + MARGIN

    def frames(self) -> Iterator[tuple[int, int]]:
        """Left and top of each group's frame, row by row."""
        for index in range(self.count):
            row, column = divmod(index, self.columns)
            yield MARGIN + column * self.step_x, HEADER + LABEL + row * self.step_y

    def tile_lefts(self, frame_left: int) -> list[int]:
        return [frame_left + FRAME + i * (self.tile_width + FRAME) for i in range(self.tiles)]


def choose(
    count: int, tiles: int, height: int, width: int, tallest: int = TALLEST
) -> Layout:
    """The largest zoom at which the page still fits a screen; else one to one, and a tall page."""
    for zoom in range(max(1, LARGEST_TILE // max(height, width)), 1, -1):
        layout = _at_zoom(count, tiles, height, width, zoom)
        if layout.width == WIDTH and layout.bottom <= tallest:
            return layout
    return _at_zoom(count, tiles, height, width, 1)


def _at_zoom(count: int, tiles: int, height: int, width: int, zoom: int) -> Layout:
    one = Layout(tiles, height * zoom, width * zoom, zoom, 1, 1, count)
    fit = max(1, (WIDTH - 2 * MARGIN + GAP) // (one.cell_width + GAP))
    rows = max(1, ceil(count / fit))
    columns = max(1, ceil(count / rows))  # rows filled evenly, rather than a stub at the end
    return Layout(tiles, height * zoom, width * zoom, zoom, columns, rows, count)
