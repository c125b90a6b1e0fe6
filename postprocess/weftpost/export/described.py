"""What a file has learned, ready to be written for a framework."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..peer.netfile import Input, NetworkFile, read_network, text_of
from ..peer.spec import NetworkSpec
from ..runfile import open_file
from .placed import dissolves
from .structure import Structure, StructureLayer, read_structure


@dataclass(frozen=True)
class Readout:
    """logits = O f + b of the responses of the layers from one on."""

    read_from: int
    weights: np.ndarray  # O
    bias: np.ndarray


@dataclass(frozen=True)
class Responding:
    """A structure, up to the layer that is wanted."""

    layers: tuple[StructureLayer, ...]
    readout: Readout | None = None

    @property
    def inputs(self) -> int:
        return self.layers[0].placed.inputs

    @property
    def outputs(self) -> int:
        readout = self.readout
        return self.layers[-1].placed.outputs if readout is None else len(readout.bias)


@dataclass(frozen=True)
class Trained:
    input: Input
    spec: NetworkSpec

    @property
    def inputs(self) -> int:
        return self.spec.inputs

    @property
    def outputs(self) -> int:
        return self.spec.classes


@dataclass(frozen=True)
class Described:
    path: Path
    network: Responding | Trained
    about: dict[str, str]  # where it comes from
    notes: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """What it answers."""
        network = self.network
        features = isinstance(network, Responding) and network.readout is None
        return "features" if features else "logits"


def describe(path: Path, layer: int | None, run: Path | None) -> Described:
    """layer: of a run file, the last if not given. run: that of a readout, if not where it says."""
    with open_file(path, "run or network file", "weft learn or weft train") as file:
        names = ("weft_version", "git", "seed", "rule")
        about = {name: text_of(file, name) for name in names if name in file.attrs}
        about["file"] = path.name
        is_network = "/network" in file
        if not is_network and "/layers/0/dictionary" not in file:
            raise UserError(
                "neither a run file nor a network file; give what weft learn or weft train wrote"
            )
    if is_network:
        return _network(path, layer, run, about)
    if run is not None:
        raise UserError(f"--structure {run}: is for the network file of a readout")
    return _structure(path, layer, about)


def _structure(path: Path, layer: int | None, about: dict[str, str]) -> Described:
    structure = read_structure(path)
    count = len(structure.layers)
    wanted = count - 1 if layer is None else layer
    if wanted >= count:
        raise UserError(f"--layer {wanted}: {path} has {count} layers, counted from 0")
    about |= {"structure": structure.checksum, "layer": str(wanted)}
    return Described(path, Responding(structure.layers[: wanted + 1]), about)


def _network(path: Path, layer: int | None, run: Path | None, about: dict[str, str]) -> Described:
    network = read_network(path)
    about["structure"] = network.checksum
    if layer is not None:
        raise UserError(f"--layer: is for a run file; {path} is a network file")
    if network.input is None:
        return Described(path, _readout(network, run), about)
    if run is not None:
        raise UserError(f"--structure {run}: {path} holds all it needs; leave the option out")
    untied = [i for i, tied in enumerate(network.spec.layers) if dissolves(tied)]
    notes = tuple(f"layer {i}: its weights are tied, and are not in the export" for i in untied)
    return Described(path, Trained(network.input, network.spec), about, notes)


def _readout(network: NetworkFile, run: Path | None) -> Responding:
    """With the structure that it was fitted to; no other will do."""
    path = run or Path(network.structure)
    if not path.is_file():
        needed = f"a readout of the run file {path}, which is not there"
        raise UserError(f"{network.path}: {needed}; give --structure")
    structure = read_structure(path)
    if structure.checksum != network.checksum:
        raise UserError(f"{path}: is not the structure that {network.path} reads (other numbers)")
    count = int(network.option("weft_train_layers", 0)) or len(structure.layers)
    last = network.options.get("weft_train_readout_from") == "last"
    weights = network.spec.weights
    readout = Readout(count - 1 if last else 0, weights["output/weights"], weights["output/bias"])
    layers = structure.layers[:count]
    read = sum(layer.placed.outputs for layer in layers[readout.read_from :])
    if read != readout.weights.shape[1]:
        raise UserError(f"{network.path}: reads other responses than {path} gives: damaged")
    return Responding(layers, readout)
