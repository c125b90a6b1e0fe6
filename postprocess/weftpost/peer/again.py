"""Weft's network again: the logits of its weights, and its training by the same recipe."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from ..errors import UserError
from ..runfile import open_file
from .data import TEST, TRAIN, Data
from .netfile import NetworkFile, starts
from .network import Network
from .result import Result
from .train import History, Recipe, Samples, accuracy_of, fit, logits_of

ADAM = "adam"
UNTRIED = {"optimiser": ADAM, "schedule": "cosine", "rule": "backprop", "average": "0"}
LOGITS = ("logits", "features")  # what a file of logits may call them


def again(
    network: NetworkFile,
    data: Data,
    options: argparse.Namespace,
    progress: Callable[[int], Callable[[dict[str, list[float]]], None]],
) -> Result:
    """The history is empty where no epochs are asked for."""
    taken = network.input
    if taken is None:
        raise UserError(f"{network.path}: a readout of a structure: no network to train anew")
    samples = {
        split: Samples(
            torch.from_numpy(taken.prepare(data.x[split])), torch.from_numpy(data.y[split])
        )
        for split in (TRAIN, TEST)
    }
    about = _trained(network, samples[TEST], options.logits)
    recipe = recipe_of(network, options.epochs)
    model = _start(network, options)
    history = History()
    if recipe.epochs:
        say = progress(recipe.epochs)
        history = fit(model, samples, recipe, options.seed, say)
        about["peer_accuracy"] = history.test_accuracy[-1]
        about["peer_seconds_per_epoch"] = history.seconds[-1] / recipe.epochs
        about["peer_cpu_seconds_per_epoch"] = history.cpu_seconds[-1] / recipe.epochs
    made = {"kind": "peer", "network": str(network.path), "data": str(data.path)}
    more = {"seed": options.seed, "threads": options.threads, "weights": count(model)}
    return Result(vars(history), {**made, **more, **about})


def _trained(network: NetworkFile, test: Samples, logits: Path | None) -> dict[str, Any]:
    """What the file's own weights give here, beside what Weft says of them."""
    model = Network(network.spec)
    model.load(network.spec.weights)
    if count(model) != network.parameters:
        raise UserError(
            f"{network.path}: says {network.parameters} parameters, rebuilt it has {count(model)}"
        )
    about: dict[str, Any] = {
        "weft_accuracy": network.accuracy,
        "weft_weights_accuracy_here": accuracy_of(model, test),
    }
    if logits:
        ours, theirs = logits_of(model, test.x), _read_logits(logits)
        if ours.shape != theirs.shape:
            raise UserError(f"{logits}: logits are {theirs.shape}, here {ours.shape}")
        about["largest_logit"] = float(np.abs(ours).max())
        about["largest_difference"] = float(np.abs(ours - theirs).max())
    return about


def _read_logits(path: Path) -> np.ndarray:
    with open_file(path, "file of logits", "weft encode -network") as file:
        for name in LOGITS:
            item = file.get(f"/{TEST}/{name}")
            if isinstance(item, h5py.Dataset):
                return np.asarray(item[()], np.float32)
        raise UserError(f"no /{TEST}/logits")


def recipe_of(network: NetworkFile, epochs: int | None) -> Recipe:
    """Adam and the cosine are the trainer's defaults, and all that is rebuilt here."""
    for name, wanted in UNTRIED.items():
        value = network.options.get(f"weft_train_{name}", wanted)
        if value != wanted:
            raise UserError(f"{network.path}: weft_train_{name} {value}: only {wanted} is rebuilt")
    given = {
        "epochs": ("epochs", int),
        "batch": ("batch_size", int),
        "rate": ("rate", float),
        "warmup": ("warmup", float),
        "weight_decay": ("decay", float),
        "label_smoothing": ("label_smoothing", float),
    }
    found: dict[str, Any] = {}
    for name, (option, kind) in given.items():
        text = network.options.get(f"weft_train_{option}", "")
        if text:
            found[name] = kind(float(text))
    if epochs is not None:
        found["epochs"] = epochs
    return Recipe(**found)


def _start(network: NetworkFile, options: argparse.Namespace) -> Network:
    torch.manual_seed(options.seed)
    model = Network(network.spec)
    if network.learned_start():
        if not (options.structure or network.structure):
            raise UserError(f"{network.path}: does not say its run file; give --structure")
        model.load(starts(network, options.structure or Path(network.structure)))
    return model


def count(model: Network) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
