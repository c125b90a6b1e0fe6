"""Reads what the steps made. A file that is not there yet is passed over, and counted as missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import UserError
from ..geometry import Picture
from ..runfile import open_file, read_picture
from .plan import Step, read_plan


@dataclass(frozen=True)
class Information:
    """Of one run file; one entry per layer, cumulative."""

    bits: np.ndarray
    entropy_bits: np.ndarray
    min_gain: float | None  # delta of the depth rule


@dataclass(frozen=True)
class Trained:
    accuracy: float  # after the last epoch
    weights: int | None  # numbers that training finds
    logits_apart: float | None = None  # largest difference of two programs' logits, over the largest


@dataclass(frozen=True)
class FirstLayer:
    """The first layer and its preprocessing, in double."""

    atoms: np.ndarray  # [d, k]
    alive: np.ndarray  # [G] bool
    mean: np.ndarray
    whitening: np.ndarray
    contrast_floor: float
    lam: float
    picture: Picture | None

    @property
    def group_size(self) -> int:
        return self.atoms.shape[1] // len(self.alive)

    def whiten(self, x: np.ndarray) -> np.ndarray:
        """Contrast normalisation, centring, whitening."""
        centred = x - x.mean(axis=1, keepdims=True)
        spread = np.maximum(x.std(axis=1, keepdims=True), self.contrast_floor)
        return (centred / spread - self.mean) @ self.whitening


@dataclass(frozen=True)
class Found:
    directory: Path
    steps: tuple[Step, ...]

    def data_sets(self) -> list[str]:
        return list(dict.fromkeys(step.about["data"] for step in self.steps))

    def those(self, **about: Any) -> Iterator[tuple[Step, Path]]:
        """Steps of this kind that are done, and their files."""
        for step in self.steps:
            path = self.directory / step.output
            if all(step.about.get(k) == v for k, v in about.items()) and path.is_file():
                yield step, path

    def missing(self, claim: str) -> int:
        steps = (step for step in self.steps if step.about["claim"] == claim)
        return sum(not (self.directory / step.output).is_file() for step in steps)


def read_found(directory: Path) -> Found:
    return Found(directory, tuple(read_plan(directory)))


def read_information(path: Path) -> Information:
    with open_file(path) as file:
        group = file.get("/information")
        if group is None or "bits" not in group:
            raise UserError("no /information/bits: not a finished run of this version")
        entropy = group["entropy_bits"][()] if "entropy_bits" in group else np.nan
        gain = group.attrs.get("min_gain")
        bits = np.asarray(group["bits"][()], float)
        return Information(
            bits=bits,
            entropy_bits=np.broadcast_to(np.asarray(entropy, float), bits.shape),
            min_gain=None if gain is None else float(np.ravel(gain)[0]),
        )


def read_trained(path: Path) -> Trained:
    with open_file(path, "network file", "weft train or weftpost cnn") as file:
        if "test_accuracy" not in file.attrs:
            raise UserError("no attribute test_accuracy: not a finished network file")
        accuracy = float(np.ravel(file.attrs["test_accuracy"])[0])
        return Trained(accuracy, _weights(file), _logits_apart(file))


def _logits_apart(file: h5py.File) -> float | None:
    if "largest_difference" not in file.attrs:
        return None
    return float(file.attrs["largest_difference"]) / float(file.attrs["largest_logit"])


def _weights(file: h5py.File) -> int | None:
    """weft train's own attribute, or that of weftpost cnn."""
    for place, name in (("/network", "parameters"), ("/", "weights")):
        if place in file and name in file[place].attrs:
            return int(np.ravel(file[place].attrs[name])[0])
    return None


def read_first_layer(path: Path) -> FirstLayer:
    with open_file(path) as file:
        layer = file["/layers/0"]
        atoms = np.asarray(layer["dictionary"][()], float)
        return FirstLayer(
            atoms=atoms,
            alive=layer["alive"][()] != 0,
            mean=np.asarray(layer["mean"][()], float),
            whitening=np.asarray(layer["whitening"][()], float),
            contrast_floor=float(np.ravel(layer.attrs["contrast_floor"])[0]),
            lam=float(np.ravel(layer.attrs["lambda"])[0]),
            picture=read_picture(file.attrs, len(atoms))[0],
        )
