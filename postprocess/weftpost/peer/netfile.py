"""Reads a network file of Weft, and where its masked layers start: the atoms of the structure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ..errors import UserError
from ..options import read_options
from ..runfile import open_file
from .spec import MaskedLayer, NetworkSpec

LEARNED = "learned"  # the structure_kind whose weights start at the atoms


@dataclass(frozen=True)
class Input:
    """How a network takes a sample."""

    mean: np.ndarray
    whitening: np.ndarray | None  # None: centred alone
    contrast_floor: float

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """[n, d] -> [n, d] float32."""
        centred = x - x.mean(axis=1, keepdims=True, dtype=np.float64)
        spread = np.maximum(x.std(axis=1, keepdims=True, dtype=np.float64), self.contrast_floor)
        normalised = (centred / spread - self.mean).astype(np.float32)
        return normalised if self.whitening is None else normalised @ self.whitening


@dataclass(frozen=True)
class NetworkFile:
    path: Path
    spec: NetworkSpec
    input: Input | None  # None: what it takes are not samples but the responses of the structure
    options: dict[str, str]  # as run, names without the dash
    structure: str  # path of the run file, "" where the file does not say
    checksum: str  # the structure's
    parameters: int  # how many numbers training found, as the file says
    accuracy: float
    seconds: float  # of training, in all

    def option(self, name: str, otherwise: float) -> float:
        return float(self.options.get(name, otherwise))

    def learned_start(self) -> bool:
        return self.options.get("structure_kind", LEARNED) == LEARNED and bool(self.spec.layers)


def read_network(path: Path) -> NetworkFile:
    with open_file(path, "network file", "weft train") as file:
        network = file.get("/network")
        if network is None or "/weights" not in file:
            raise UserError("no /network: not a network file")
        refuse_checkpoint(file, "weft train")
        options = read_options(file)
        seconds = file["/history/seconds"][()]
        return NetworkFile(
            path=path,
            spec=_spec(file, network, options),
            input=None if "/readout" in file else _input(network),
            options=options,
            structure=options.get("structure", "") or _structure(file)[0],
            checksum=_structure(file)[1],
            parameters=int(number(network, "parameters")),
            accuracy=float(number(file, "test_accuracy")),
            seconds=float(seconds[-1]) if len(seconds) else 0.0,
        )


def _spec(file: h5py.File, network: h5py.Group, options: dict[str, str]) -> NetworkSpec:
    layers = [_layer(network[f"layers/{i}"]) for i in range(int(number(network, "layers")))]
    hidden = tuple(int(units) for units in network["hidden"][()])
    read, units = (float(options.get(f"weft_train_dropout{w}", 0.2)) for w in ("", "_hidden"))
    # Samples themselves are not dropped from: an MLP's first layer sees them whole.
    dropout = (read if layers else 0.0, *(len(hidden) * (units,)))
    weights: dict[str, np.ndarray] = {}
    file["/weights"].visititems(lambda name, item: _collect(weights, name, item))
    return NetworkSpec(
        inputs=int(number(network, "inputs")),
        classes=int(number(network, "classes")),
        layers=tuple(layers),
        hidden=hidden,
        dropout=dropout,
        pool_epsilon=number(network, "pool_epsilon"),
        norm_epsilon=number(network, "norm_epsilon"),
        weights=weights,
    )


def _collect(weights: dict[str, np.ndarray], name: str, item: object) -> None:
    if isinstance(item, h5py.Dataset):
        weights[name] = item[()]


def _layer(group: h5py.Group) -> MaskedLayer:
    """Index arrays that say nothing (each its own) are left out."""
    start = group["start"][()]
    pool_start, pool_group = group["pool_start"][()], group["pool_group"][()]
    alone = len(pool_start) == len(start) and _counts(pool_group) and (np.diff(pool_start) == 1).all()
    return MaskedLayer(
        inputs=int(number(group, "inputs")),
        group_size=int(number(group, "group_size")),
        start=start,
        input=group["input"][()],
        row=_unless_counting(group, "row"),
        pool_start=None if alone else pool_start,
        pool_group=None if alone else pool_group,
        threshold=number(group, "threshold"),
        pooled_channel=_unless_counting(group, "pooled_channel"),
        single_channel=_unless_counting(group, "single_channel"),
        read_pooled=bool(number(group, "read_pooled")),
        read_single=bool(number(group, "read_single")),
    )


def _unless_counting(group: h5py.Group, name: str) -> np.ndarray | None:
    if name not in group:
        return None
    values: np.ndarray = group[name][()]
    return None if _counts(values) else values


def _counts(values: np.ndarray) -> bool:
    return bool((values == np.arange(len(values))).all())


def _input(network: h5py.Group) -> Input:
    whitened = bool(number(network, "whitened"))
    return Input(
        mean=np.asarray(network["mean"][()], float),
        whitening=np.asarray(network["whitening"][()], np.float32) if whitened else None,
        contrast_floor=number(network, "contrast_floor"),
    )


def number(place: h5py.Group, name: str) -> float:
    if name not in place.attrs:
        raise UserError(f"{place.name} has no attribute {name}: not a finished file")
    return float(np.ravel(place.attrs[name])[0])


def text_of(file: h5py.File, name: str) -> str:
    """A text attribute of the file, "" where it has none."""
    text = np.ravel(file.attrs.get(name, ""))[0]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def refuse_checkpoint(file: h5py.File, verb: str) -> None:
    if "complete" in file.attrs and not number(file, "complete"):
        raise UserError(f"a checkpoint: finish it with {verb} -resume")


def _structure(file: h5py.File) -> tuple[str, str]:
    """Path and checksum."""
    path, _, checksum = text_of(file, "structure").rpartition(" ")
    return path, checksum


def starts(network: NetworkFile, run: Path) -> dict[str, np.ndarray]:
    """Weights of the masked layers where `weft train` starts them: the atoms, scaled to norm 1."""
    found = {}
    with open_file(run) as file:
        for number, layer in enumerate(network.spec.layers):
            if layer.row is not None:
                raise UserError(f"{network.path}: its weights are tied: their start cannot be told")
            place = file[f"/layers/{number}"]
            atoms, alive = np.asarray(place["dictionary"][()], float), place["alive"][()] != 0
            atoms /= np.maximum(np.linalg.norm(atoms, axis=0), 1e-30)
            if number:  # an input is a living group of the layer below
                atoms = atoms[file[f"/layers/{number - 1}/alive"][()] != 0]
            p = layer.group_size
            atoms = atoms[:, np.repeat(alive, p)]
            if atoms.shape != (layer.inputs, layer.groups * p):
                raise UserError(f"/layers/{number} is not what {network.path} was made of")
            group = np.repeat(np.arange(layer.groups), np.diff(layer.start))
            rows = [atoms[layer.input, group * p + a] for a in range(p)]
            found[f"layers/{number}/weights"] = np.stack(rows, axis=1).astype(np.float32)
    return found
