"""Reads and checks a run file. A checkpoint is a run file too, and may know less."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .errors import UserError
from .geometry import PIXEL_ORDERS, Picture


@dataclass(frozen=True)
class Layer:
    """What a layer learnt. Atoms of a group are consecutive columns of the dictionary."""

    dictionary: np.ndarray  # [d, k]
    connectivity: np.ndarray  # [d, G]
    alive: np.ndarray  # [G] bool
    usage: np.ndarray | None  # [G]; an early checkpoint need not have it
    shared: bool = False  # its outputs are pools at places, not its groups

    @property
    def d(self) -> int:
        return self.dictionary.shape[0]

    @property
    def k(self) -> int:
        return self.dictionary.shape[1]

    @property
    def groups(self) -> int:
        return self.connectivity.shape[1]

    @property
    def group_size(self) -> int:
        return self.k // self.groups

    def group_atoms(self, group: int) -> np.ndarray:
        """[d, p]: the atoms of one group."""
        p = self.group_size
        return self.dictionary[:, group * p : (group + 1) * p]

    def alive_atoms(self) -> np.ndarray:
        """[d, p * alive groups]: groups in order, removed ones left out, zero atoms kept."""
        return self.dictionary[:, np.repeat(self.alive, self.group_size)]

    def most_used(self) -> np.ndarray:
        """Alive groups, most used first; by their norm while usage is not known."""
        rank = (self.connectivity.astype(float) ** 2).sum(axis=0)
        if self.usage is not None:
            rank = self.usage
        alive = np.flatnonzero(self.alive)
        return alive[np.argsort(-rank[alive], kind="stable")]


@dataclass(frozen=True)
class History:
    """One entry per iteration of a layer."""

    iteration: np.ndarray
    objective: np.ndarray
    reconstruction: np.ndarray
    active_fraction: np.ndarray
    connection_density: np.ndarray
    max_gap: np.ndarray
    mean_gap: np.ndarray


@dataclass(frozen=True)
class Information:
    """One entry per layer measured, in order: of the outputs of all layers up to it, kept or not."""

    bits: np.ndarray
    entropy_bits: np.ndarray
    kept: np.ndarray  # bool; the first layer always is


@dataclass(frozen=True)
class Run:
    path: Path
    complete: bool
    picture: Picture | None
    layer: Layer
    history: History | None
    information: Information | None
    freeze_iteration: int | None
    notes: tuple[str, ...]  # things a reader should know, though nothing is wrong enough to stop
    index: int = 0  # which layer `layer` and `history` are of
    layers: int = 1  # in the file

    def status(self) -> str:
        return "complete" if self.complete else "checkpoint"


def read_run(path: Path, index: int = 0) -> Run:
    """With the layer of this index; a picture goes with layer 0 alone."""
    with open_file(path) as file:
        layer = _read_layer(file, index)
        picture, notes = (None, ()) if index else read_picture(file.attrs, layer.d)
        if layer.dictionary[:, np.repeat(~layer.alive, layer.group_size)].any():
            notes += ("removed groups have atoms that are not zero; they are left out",)
        return Run(
            path=path,
            complete=bool(number_of(file.attrs, "complete") or 0),
            picture=picture,
            layer=layer,
            history=_read_history(file, index),
            information=_read_information(file),
            freeze_iteration=_read_freeze(file, index),
            notes=notes,
            index=index,
            layers=len(file["/layers"]),
        )


@contextmanager
def open_file(path: Path, kind: str = "run file", writer: str = "weft learn") -> Iterator[h5py.File]:
    """Opens for reading and turns every failure of the file into one line that names it."""
    _check_readable(path, f"give the {kind} that {writer} wrote")
    try:
        # No lock: a run file is replaced by a rename, never written in place, and the shared
        # file systems of clusters often refuse locks.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: {_reason(error, kind)}") from error


def _check_readable(path: Path, advice: str) -> None:
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path}: is a directory; {advice}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: not readable; check its permissions")
    if not h5py.is_hdf5(path):
        raise UserError(f"{path}: not an HDF5 file; {advice}")


def _reason(error: Exception, kind: str) -> str:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    if "truncated" in first_line:
        return "truncated: its writing or copying was cut short; copy it again"
    return f"damaged or not a {kind} ({first_line})"


def _read_layer(file: h5py.File, index: int) -> Layer:
    if "/layers/0/dictionary" not in file:
        raise UserError("not a run file (no /layers/0/dictionary); give what weft learn wrote")
    if f"/layers/{index}" not in file:
        raise UserError(f"no /layers/{index}: its last layer is {len(file['/layers']) - 1}")
    group = file[f"/layers/{index}"]
    layer = Layer(
        dictionary=_array(group, "dictionary", 2),
        connectivity=_array(group, "connectivity", 2),
        alive=_array(group, "alive", 1) != 0,
        usage=_array(group, "usage", 1) if "usage" in group else None,
        shared="shared" in group,
    )
    _check_shapes(layer, f"/layers/{index}")
    return layer


def _check_shapes(layer: Layer, where: str) -> None:
    (d, k), (rows, groups) = layer.dictionary.shape, layer.connectivity.shape
    if min(d, k, groups) == 0:
        raise UserError(f"{where} is empty")
    if rows != d or k % groups:
        raise UserError(
            f"{where}/connectivity is {rows} x {groups}, which does not go with "
            f"a dictionary of {d} x {k}"
        )
    for name, values in (("alive", layer.alive), ("usage", layer.usage)):
        if values is not None and len(values) != groups:
            raise UserError(f"{where}/{name} has {len(values)} entries for {groups} groups")


def _array(group: h5py.Group, name: str, rank: int, finite: bool = True) -> np.ndarray:
    item = group.get(name)
    where = f"{group.name}/{name}"
    if not isinstance(item, h5py.Dataset):
        raise UserError(f"not a complete run file (no {where})")
    if item.ndim != rank or item.dtype.kind not in "fiu":
        raise UserError(f"{where} is not a numeric array of {rank} dimensions")
    values = item[()]
    if finite and not np.isfinite(values).all():
        raise UserError(f"{where} has values that are not finite: the run went wrong")
    return values


def _read_history(file: h5py.File, index: int) -> History | None:
    where = f"/history/{index}"
    if where not in file:
        return None
    group = file[where]
    # Not finite is let through here: a history that ends in NaN should be seen, not refused.
    columns = {
        f.name: _array(group, f.name, 1, finite=f.name == "iteration") for f in fields(History)
    }
    if len({len(values) for values in columns.values()}) > 1:
        raise UserError(f"{where} has columns of different lengths")
    return History(**columns)


def _read_information(file: h5py.File) -> Information | None:
    if "/information/bits" not in file:
        return None
    group = file["/information"]
    bits, entropy = (_array(group, name, 1) for name in ("bits", "entropy_bits"))
    kept = _array(group, "kept", 1) != 0 if "kept" in group else np.ones(len(bits), bool)
    if len({len(bits), len(entropy), len(kept)}) > 1:
        raise UserError("/information has columns of different lengths")
    if not len(bits):
        return None
    if not kept[0]:
        raise UserError("/information/kept drops the first layer, which is always kept")
    return Information(bits, entropy, kept)


def _read_freeze(file: h5py.File, index: int) -> int | None:
    places = [] if index else [file.attrs]  # the root's is of layer 0
    if f"/history/{index}" in file:
        places.append(file[f"/history/{index}"].attrs)
    for attributes in places:
        value = number_of(attributes, "freeze_iteration")
        if value is not None and value >= 0:
            return int(value)
    return None


def read_picture(attributes: Any, d: int) -> tuple[Picture | None, tuple[str, ...]]:
    """The picture shape, if the file has one that fits the inputs, and notes on what is missing."""
    if "shape" not in attributes:
        return None, ("no picture shape in the file: inputs are drawn along a line",)
    shape = [int(size) for size in np.ravel(attributes["shape"])]
    height, width, channels = (*shape, 1)[:3] if len(shape) in (2, 3) else (0, 0, 0)
    if height * width * channels != d or min(height, width) < 2:
        text = " x ".join(str(size) for size in shape)
        return None, (f"shape {text} is no picture of {d} inputs: they are drawn along a line",)
    order = text_of(attributes, "pixel_order")
    if order in PIXEL_ORDERS:
        return Picture(height, width, channels, order), ()
    if channels == 1:  # then the order makes no difference
        return Picture(height, width, channels), ()
    if order is not None:
        raise UserError(f"pixel_order '{order}' is unknown; it is planes or interleaved")
    return Picture(height, width, channels), ("no pixel_order in the file: planes taken",)


def number_of(attributes: Any, name: str) -> float | None:
    """A numeric attribute, stored as a scalar or as an array of one."""
    if name not in attributes:
        return None
    values = np.ravel(attributes[name])
    return float(values[0]) if values.size else None


def text_of(attributes: Any, name: str) -> str | None:
    """A string attribute, of fixed or variable length."""
    if name not in attributes:
        return None
    value = np.ravel(attributes[name])[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
