"""What a file says about itself: root attributes, layers, columns of its history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..runfile import open_file

Attributes = dict[str, Any]  # text, numbers and arrays


@dataclass(frozen=True)
class Facts:
    root: Attributes
    network: Attributes  # of /network; empty in a run file
    layers: list[Attributes]  # of /layers or /network/layers
    hidden: list[int]  # units of the dense hidden layers of a network
    histories: dict[str, dict[str, np.ndarray]]  # by layer; a network's has the key ""

    def text(self, name: str) -> str:
        """A root attribute, empty where it is missing."""
        value = self.root.get(name, "")
        if isinstance(value, str):
            return value
        return " x ".join(str(part) for part in np.ravel(value))

    def number(self, name: str) -> float | None:
        value = np.ravel(self.root.get(name, ()))
        return float(value[0]) if value.size and value.dtype.kind in "fiu" else None


def read_facts(path: Path) -> Facts:
    with open_file(path, "run or network file", "weft learn or weft train") as file:
        layers = file.get("/layers", file.get("/network/layers", {}))
        network = file.get("/network")
        return Facts(
            root=_attributes(file),
            network={} if network is None else _attributes(network),
            layers=[_layer(layers[name]) for name in sorted(layers, key=int)],
            hidden=[int(units) for units in file.get("/network/hidden", ())],
            histories=_histories(file),
        )


def _attributes(place: h5py.Group) -> Attributes:
    return {name: _plain(value) for name, value in place.attrs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def _layer(group: h5py.Group) -> Attributes:
    connections = {"connections": len(group["input"])} if "input" in group else {}
    shared = {"shared": _attributes(group["shared"])} if "shared" in group else {}
    return {**_attributes(group), **connections, **shared}


def _histories(file: h5py.File) -> dict[str, dict[str, np.ndarray]]:
    history = file.get("/history", {})
    groups = {name: item for name, item in history.items() if isinstance(item, h5py.Group)}
    return {name: _columns(group) for name, group in (groups or {"": history}).items()}


def _columns(group: Any) -> dict[str, np.ndarray]:
    """Those of numbers, cut to the shortest: a reader sees whole rows alone."""
    columns = {name: item[()] for name, item in group.items() if _is_column(item)}
    least = min((len(values) for values in columns.values()), default=0)
    return {name: values[:least] for name, values in columns.items()}


def _is_column(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 1 and item.dtype.kind in "fiu"
