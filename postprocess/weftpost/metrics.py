"""The key figures of a run file or a network file, for a table of many, a comparison, a report.

    found = read_metrics(path)          # of either kind of file
    found.kind                          # "run" or "network"
    found.complete                      # False: a checkpoint
    found.values["bits"]                # NaN where the file does not say
    found.options["weft_atoms"]         # as run, text
    found.made["weft_version"]          # of MADE, text
    METRICS["bits"].description, .units, .better

Only what is small is read of a file: not the dictionaries, not the whitening.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .errors import UserError
from .options import read_options
from .runfile import number_of, open_file, text_of

LAST_BATCHES = 10  # that the objective is a mean of
RUN, NETWORK = "run", "network"
# Attributes that tell how a file came about.
MADE = ("weft_version", "git", "created", "ranks", "samples", "data_checksum", "structure")


@dataclass(frozen=True)
class Metric:
    description: str
    units: str = "1"
    better: str | None = None  # "most" or "least"; None: neither is better by itself
    label: str = ""  # for people: short, with its unit


METRICS: dict[str, Metric] = {
    "bits": Metric(
        "information at the output of all kept layers: what a linear decoder gets back",
        "bit",
        "most",
        "bits",
    ),
    "entropy_bits": Metric(
        "noise-floor entropy of the output of all kept layers", "bit", label="entropy, bits"
    ),
    "layers": Metric("layers kept", label="layers"),
    "density": Metric(
        "first layer: connections / (inputs x alive groups), final dictionary",
        label="density",
    ),
    "activity": Metric(
        "first layer: mean over alive groups of the fraction of samples in which each is active",
        label="activity",
    ),
    "objective": Metric(
        f"first layer: objective J, mean of the last {LAST_BATCHES} batches; "
        "comparable only between runs of equal penalties",
        label="objective J",
    ),
    "reconstruction": Metric(
        f"first layer: first term of J, mean of the last {LAST_BATCHES} batches",
        label="reconstruction",
    ),
    "max_gap": Metric(
        "largest certified relative duality gap of a code, all layers and iterations",
        label="largest gap",
    ),
    "alive_groups": Metric("first layer: groups in use", label="alive groups"),
    "test_accuracy": Metric(
        "fraction of test samples that the trained network gets right, after the last epoch",
        better="most",
        label="test accuracy",
    ),
    "weights": Metric("numbers that training found", label="weights"),
    "seconds": Metric(
        "learning: wall time of the batches of all layers, over resumed runs too; "
        "without reading, whitening and measuring information",
        "s",
        "least",
        "seconds",
    ),
    "train_seconds": Metric("training: wall time", "s", label="training, s"),
    "peak_bytes": Metric(
        "learning: most memory that any one rank held", "byte", "least", "peak memory per rank"
    ),
}
# What a network file tells beside these.
NETWORK_METRICS: dict[str, Metric] = {
    "test_accuracy": METRICS["test_accuracy"],
    "train_accuracy": Metric(
        "the same of training samples, mean over the last epoch, as trained",
        label="training accuracy",
    ),
    "test_loss": Metric(
        "mean loss of the test samples after the last epoch",
        label="test loss",
    ),
    "train_loss": Metric(
        "mean loss of the training samples over the last epoch, as trained",
        label="training loss",
    ),
    "weights": METRICS["weights"],
    "epochs": Metric("epochs done", label="epochs"),
    "train_seconds": METRICS["train_seconds"],
    "peak_bytes": Metric(
        "training: most memory that any one rank held", "byte", label="peak memory per rank"
    ),
}


@dataclass(frozen=True)
class Measured:
    path: Path
    kind: str  # RUN or NETWORK
    complete: bool
    values: dict[str, float]  # NaN: the file does not say
    options: dict[str, str]  # as run, by name without the dash
    made: dict[str, str]  # those of MADE that the file has, as text


def read_metrics(path: Path) -> Measured:
    """Of a run file or a network file, whichever it is."""
    with open_file(path, "run or network file", "weft learn or weft train") as file:
        kind = _kind(file)
        return Measured(
            path=path,
            kind=kind,
            complete=bool(number_of(file.attrs, "complete") or 0),
            values=_run_values(file) if kind == RUN else _network_values(file),
            options=read_options(file),
            made={name: str(text_of(file.attrs, name)) for name in MADE if name in file.attrs},
        )


def read_run_metrics(path: Path) -> Measured:
    return _expect(RUN, read_metrics(path), "weft learn")


def read_network_metrics(path: Path) -> Measured:
    return _expect(NETWORK, read_metrics(path), "weft train")


def _expect(kind: str, found: Measured, writer: str) -> Measured:
    if found.kind != kind:
        raise UserError(f"{found.path}: a {found.kind} file; give what {writer} wrote")
    return found


def _kind(file: h5py.File) -> str:
    if "/layers/0" in file:
        return RUN
    if "/weights" in file or "test_accuracy" in file.attrs:
        return NETWORK
    raise UserError("neither a run file nor a network file; give what weft learn or train wrote")


def _run_values(file: h5py.File) -> dict[str, float]:
    layer = file["/layers/0"]
    alive = layer["alive"][()] != 0
    return {
        **_information(file),
        "layers": float(len(file["/layers"])),
        "density": _density(layer["connectivity"], alive),
        "activity": _mean(layer["usage"][()][alive]) if "usage" in layer else math.nan,
        **_history(file),
        "alive_groups": float(alive.sum()),
        "peak_bytes": _attribute(file.attrs, "peak_bytes_per_rank"),
    }


def _information(file: h5py.File) -> dict[str, float]:
    """Of the last layer that is kept: a dropped one is no part of the result."""
    names = ("bits", "entropy_bits")
    if "/information" not in file:
        return {name: math.nan for name in names}
    group = file["/information"]
    length = len(group["bits"])
    kept = group["kept"][()] != 0 if "kept" in group else np.ones(length, bool)
    last = np.flatnonzero(kept)[-1:]
    return {
        name: float(group[name][()][last[0]]) if last.size and name in group else math.nan
        for name in names
    }


def _density(connectivity: h5py.Dataset, alive: np.ndarray) -> float:
    possible = connectivity.shape[0] * int(alive.sum())
    return np.count_nonzero(connectivity[()][:, alive]) / possible if possible else math.nan


def _history(file: h5py.File) -> dict[str, float]:
    layers = [file["/history"][name] for name in file.get("/history", ())]
    first = file.get("/history/0", {})
    return {
        **{name: _tail(first, name) for name in ("objective", "reconstruction")},
        "max_gap": float(np.max([_largest(layer, "max_gap") for layer in layers] or [math.nan])),
        # Each layer counts from zero, so the last entry of each is added.
        "seconds": sum(_last(layer, "seconds") for layer in layers) if layers else math.nan,
    }


def _network_values(file: h5py.File) -> dict[str, float]:
    history = file.get("/history", {})
    network = file["/network"].attrs if "/network" in file else {}
    weights = number_of(network, "parameters")
    epochs = _last(history, "epoch")
    return {
        "test_accuracy": _attribute(file.attrs, "test_accuracy"),
        **{n: _last(history, n) for n in ("train_accuracy", "test_loss", "train_loss")},
        # What weftpost cnn writes has them at the root.
        "weights": _attribute(file.attrs, "weights") if weights is None else weights,
        "epochs": 0.0 if math.isnan(epochs) else epochs,
        "train_seconds": _last(history, "seconds"),
        "peak_bytes": _attribute(file.attrs, "peak_bytes_per_rank"),
    }


def _attribute(attributes: Any, name: str) -> float:
    value = number_of(attributes, name)
    return math.nan if value is None else value


def _column(group: Any, name: str) -> np.ndarray:
    return np.asarray(group[name][()], float) if name in group else np.empty(0)


def _last(group: Any, name: str) -> float:
    values = _column(group, name)
    return float(values[-1]) if values.size else math.nan


def _tail(group: Any, name: str) -> float:
    return _mean(_column(group, name)[-LAST_BATCHES:])


def _largest(group: Any, name: str) -> float:
    values = _column(group, name)
    return float(values.max()) if values.size else math.nan


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan
