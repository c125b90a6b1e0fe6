"""What a training came to, as an HDF5 file with the names of `weft train`'s network file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import UserError
from ..runfile import open_file

COLUMNS = {
    "train_loss": ("nat", "mean over the epoch's batches as they were met"),
    "train_accuracy": ("1", "the same, in training mode"),
    "test_accuracy": ("1", "after the epoch"),
    "seconds": ("s", "of training, cumulative, without the tests"),
    "cpu_seconds": ("s", "the same, processor time of all threads"),
}


@dataclass(frozen=True)
class Result:
    columns: dict[str, list[float]]  # of COLUMNS, one entry per epoch
    about: dict[str, Any]  # attributes: kind, weights, seed and what else is worth knowing


def write_result(path: Path, result: Result) -> None:
    """Whole or not at all."""
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(beside, "w") as file:
            _fill(file, result)
        os.replace(beside, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error


def _fill(file: h5py.File, result: Result) -> None:
    epochs = len(result.columns["test_accuracy"])
    _column(file, "epoch", np.arange(1, epochs + 1), "1", "epochs done")
    for name, values in result.columns.items():
        _column(file, name, np.asarray(values, float), *COLUMNS[name])
    file.attrs.update(result.about)
    file.attrs["test_accuracy"] = result.columns["test_accuracy"][-1]
    file.attrs["complete"] = 1


def _column(file: h5py.File, name: str, values: np.ndarray, units: str, words: str) -> None:
    column = file.create_dataset(f"/history/{name}", data=values)
    column.attrs["units"], column.attrs["description"] = units, words
    column.dims[0].label = "epoch"


def read_result(path: Path) -> Result:
    """Of a file that write_result() wrote, or `weft train`."""
    with open_file(path, "network file", "weft train or weftpost cnn") as file:
        if "/history/test_accuracy" not in file:
            raise UserError("no /history/test_accuracy: not a network file")
        names = [name for name in COLUMNS if name in file["/history"]]
        columns = {name: list(map(float, file[f"/history/{name}"][()])) for name in names}
        return Result(columns, dict(file.attrs))
