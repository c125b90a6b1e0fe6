"""A data file's labelled samples, as numpy arrays; nothing of PyTorch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ..errors import UserError
from ..geometry import Picture
from ..runfile import open_file, read_picture

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Data:
    path: Path
    classes: int
    picture: Picture | None
    x: dict[str, np.ndarray]  # TRAIN and TEST: [n, d] float32
    y: dict[str, np.ndarray]  # [n] int64

    @property
    def d(self) -> int:
        return self.x[TRAIN].shape[1]

    def pictures(self, split: str) -> np.ndarray:
        """[n, channels, height, width]."""
        if self.picture is None:
            raise UserError(f"{self.path}: no picture shape (attribute shape): a CNN needs one")
        height, width, channels = (getattr(self.picture, n) for n in ("height", "width", "channels"))
        x = self.x[split]
        if self.picture.pixel_order == "interleaved":
            return np.moveaxis(x.reshape(-1, height, width, channels), -1, 1)
        return x.reshape(-1, channels, height, width)


def read_data(path: Path) -> Data:
    """Both splits with labels: what training and testing need."""
    with open_file(path, "data file", "weft import") as file:
        x = {split: _samples(file, split) for split in (TRAIN, TEST)}
        y = {split: _labels(file, split, len(x[split])) for split in (TRAIN, TEST)}
        if x[TRAIN].shape[1] != x[TEST].shape[1]:
            raise UserError("/train/x and /test/x have different numbers of inputs")
        picture, _ = read_picture(file.attrs, x[TRAIN].shape[1])
        return Data(path, int(max(y[TRAIN].max(), y[TEST].max())) + 1, picture, x, y)


def _samples(file: h5py.File, split: str) -> np.ndarray:
    item = file.get(f"/{split}/x")
    if not isinstance(item, h5py.Dataset):
        raise UserError(f"no /{split}/x: not a data file, or one without this split")
    if item.ndim != 2 or not all(item.shape):
        raise UserError(f"/{split}/x is not an array [samples, inputs]")
    values = item[()]
    if values.dtype.kind in "iu":  # as weft learn reads it
        scale = item.attrs.get("scale", 1 / 255 if values.dtype == np.uint8 else 1)
        return values.astype(np.float32) * np.float32(np.ravel(scale)[0])
    return np.asarray(values, np.float32)


def _labels(file: h5py.File, split: str, count: int) -> np.ndarray:
    item = file.get(f"/{split}/y")
    if not isinstance(item, h5py.Dataset):
        raise UserError(f"no /{split}/y: training needs labels")
    labels = np.asarray(item[()], np.int64)
    if labels.shape != (count,) or labels.min() < 0:
        raise UserError(f"/{split}/y is not one label of 0 or more for each sample")
    return labels
