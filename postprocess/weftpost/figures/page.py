"""A page measured in pixels from its top left corner, to hold images without resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from .style import DPI, FAINT


class Page:
    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.canvas = np.ones((height, width, 3))
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="none")
        self._overlay: Axes | None = None

    def paste(self, left: int, top: int, image: np.ndarray) -> None:
        """image: [height, width, 3] in 0..1."""
        self.canvas[top : top + image.shape[0], left : left + image.shape[1]] = image

    def box(self, left: int, top: int, width: int, height: int, grey: float) -> None:
        self.canvas[top : top + height, left : left + width] = grey

    def text(self, left: float, top: float, words: str, **style: Any) -> None:
        style.setdefault("va", "top")
        self.figure.text(left / self.width, 1 - top / self.height, words, **style)

    def lines(self, segments: list[np.ndarray], color: str, width: float) -> None:
        """Each segment: [points, 2], x and y in pixels of the page."""
        if self._overlay is None:
            self._overlay = self.axes(0, 0, self.width, self.height)
            self._overlay.set(xlim=(0, self.width), ylim=(self.height, 0))
            self._overlay.set_axis_off()
        self._overlay.add_collection(LineCollection(segments, colors=color, linewidths=width))

    def axes(self, left: int, top: int, width: int, height: int) -> Axes:
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )

    def heading(self, left: int, title: str, subtitle: str) -> None:
        self.text(left, 16, title, fontsize=15, fontweight="bold")
        self.text(left, 46, subtitle, fontsize=11, color=FAINT)

    def finish(self) -> Figure:
        """Lays the canvas under everything else."""
        self.figure.figimage(self.canvas, zorder=-1)
        return self.figure
