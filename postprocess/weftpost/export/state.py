"""What the modules of `parts` are made of: shapes, and numbers by the names of a state dict."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..peer.netfile import Input
from ..peer.spec import MaskedLayer, NetworkSpec
from .placed import Placed, place
from .structure import StructureLayer

State = dict[str, np.ndarray]
NORM = ("scale", "shift", "mean", "variance")


def masked_shape(placed: Placed, threshold: float) -> dict[str, Any]:
    """The fields of parts.common.MaskedShape."""
    windows, members = placed.windows, placed.members
    shape: dict[str, Any] = {
        "inputs": placed.inputs,
        "groups": placed.groups,
        "group_size": placed.group_size,
        "threshold": threshold,
    }
    if windows is not None:
        shape |= {"sites": len(windows), "window": windows.shape[1]}
    if members is not None:
        shape |= {"pools": len(members), "members": members.shape[1]}
    return shape


def layer_shape(layer: MaskedLayer, placed: Placed) -> dict[str, Any]:
    """The fields of parts.network.LayerShape."""
    shape = masked_shape(placed, layer.threshold)
    shape["pooled_channels"] = _channels(layer.pooled_channel, layer.pools)
    if layer.read_single:
        units = layer.groups * layer.group_size
        shape["single_channels"] = _channels(layer.single_channel, units)
    if not layer.read_pooled:
        shape["read_pooled"] = False
    return shape


def network_shape(spec: NetworkSpec, input_: Input | None) -> dict[str, Any]:
    """The fields of parts.network.NetworkShape but for layers."""
    names = ("inputs", "classes", "hidden", "dropout", "pool_epsilon", "norm_epsilon")
    shape = {name: getattr(spec, name) for name in names}
    shape["norm_momentum"] = spec.norm_momentum
    shape["contrast_floor"] = 0.0 if input_ is None else input_.contrast_floor
    shape["whitened"] = input_ is not None and input_.whitening is not None
    return shape


def _channels(channel: np.ndarray | None, units: int) -> int:
    return units if channel is None else int(channel.max()) + 1


def placed_state(prefix: str, placed: Placed) -> State:
    state = {f"{prefix}weights": placed.weights, f"{prefix}mask": placed.mask}
    for name, index in (("windows", placed.windows), ("members", placed.members)):
        if index is not None:
            state[f"{prefix}{name}"] = index
    return state


def input_state(prefix: str, input_: Input) -> State:
    state = {f"{prefix}mean": input_.mean.astype(np.float32)}
    if input_.whitening is not None:
        state[f"{prefix}whitening"] = input_.whitening
    return state


def structure_state(layers: tuple[StructureLayer, ...]) -> State:
    state: State = {}
    for i, layer in enumerate(layers):
        state |= placed_state(f"layers.{i}.", layer.placed)
        state |= input_state(f"layers.{i}.input.", layer.input)
    return state


def connections_state(spec: NetworkSpec) -> State:
    """What training does not change: masks, and index arrays that say more than each its own."""
    state: State = {}
    for i, layer in enumerate(spec.layers):
        placed = place(layer, np.zeros((layer.rows, layer.group_size)))
        state |= placed_state(f"layers.{i}.", placed)
        del state[f"layers.{i}.weights"]
        channels = (("pooled", layer.pooled_channel), ("single", layer.single_channel))
        for name, channel in channels:
            if channel is not None:
                state[f"layers.{i}.{name}.channel"] = channel
    return state


def weights_state(spec: NetworkSpec) -> State:
    """Of the arrays below /weights."""
    state = {name_of(name): values for name, values in spec.weights.items()}
    for i, layer in enumerate(spec.layers):
        state[f"layers.{i}.weights"] = place(layer, spec.weights[f"layers/{i}/weights"]).weights
    return state


def name_of(name: str) -> str:
    """In a state dict, of an array below /weights."""
    head, _, last = name.rpartition("/")
    if head.startswith("hidden/") and last in NORM:  # they stand beside its weights in the file
        name = f"{head}/norm/{last}"
    return name.replace("/", ".")
