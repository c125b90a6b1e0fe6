"""Where the inputs lie: over the picture plane, or along a line when there is no picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PIXEL_ORDERS = ("planes", "interleaved")


@dataclass(frozen=True)
class Picture:
    """How the d inputs of a sample make a picture of height x width x channels."""

    height: int
    width: int
    channels: int
    pixel_order: str = "planes"

    def unfold(self, values: np.ndarray) -> np.ndarray:
        """[d] -> [height, width, channels]."""
        if self.pixel_order == "interleaved":
            return values.reshape(self.height, self.width, self.channels)
        return np.moveaxis(values.reshape(self.channels, self.height, self.width), 0, -1)

    def positions(self) -> np.ndarray:
        """[d, 2]: row and column of every input; all channels of a pixel lie at one place."""
        rows, columns = np.divmod(np.arange(self.height * self.width), self.width)
        pixels = np.stack([rows, columns], axis=1).astype(float)
        if self.pixel_order == "interleaved":
            return np.repeat(pixels, self.channels, axis=0)
        return np.tile(pixels, (self.channels, 1))

    def describe(self) -> str:
        kinds = {1: "grey", 3: "colour"}
        kind = kinds.get(self.channels, f"{self.channels}-channel")
        return f"{self.height} × {self.width} {kind} images"


def positions_of(picture: Picture | None, d: int) -> np.ndarray:
    """[d, 2] over a picture, [d, 1] (the index of the input) without one."""
    return np.arange(d, dtype=float)[:, None] if picture is None else picture.positions()


def describe_inputs(picture: Picture | None, d: int) -> str:
    return f"{d} inputs" if picture is None else picture.describe()


def centroids_and_spreads(
    energy: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centre [n, dim] of each column of energy [d, n], and RMS distance from it [n].

    A column without energy has neither: NaN.
    """
    middle = positions.mean(axis=0)
    centred = positions - middle  # keeps the subtraction below from losing digits
    total = energy.sum(axis=0)
    with np.errstate(invalid="ignore"):
        weight = energy / np.where(total > 0, total, np.nan)
    centroid = weight.T @ centred
    mean_square = weight.T @ (centred**2).sum(axis=1)
    variance = mean_square - (centroid**2).sum(axis=1)
    return centroid + middle, np.sqrt(np.maximum(variance, 0.0))
