"""The commands `cnn` and `peer`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import UserError
from .data import Data, read_data
from .launch import need_torch, relaunch
from .netfile import read_network
from .result import Result, write_result

PEER_HELP = "rebuild in PyTorch the network that weft train trained, compare its logits, train it anew"
CNN_HELP = "train the experts' CNN on a data file in PyTorch; accuracy by epoch"


def add_cnn(command: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    command.set_defaults(act=_cnn)
    words = "labelled pictures, both splits, as weft import wrote them"
    command.add_argument("data", type=Path, metavar="data.h5", help=words)
    add_recipe(command, positive)
    words = "of what the dense layers read (default %(default)s)"
    command.add_argument("--dropout", type=_fraction, default=0.25, metavar="P", help=words)


def add_peer(command: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    command.set_defaults(act=_peer)
    words = "what weft train wrote; the recipe is that of its options"
    command.add_argument("network", type=Path, metavar="net.h5", help=words)
    words = "the labelled samples that it was trained on"
    command.add_argument("--data", type=Path, required=True, metavar="data.h5", help=words)
    words = "the run file, if it is not where net.h5 says (a learned network starts at its atoms)"
    command.add_argument("--structure", type=Path, metavar="run.h5", help=words)
    words = "what weft encode -network wrote of the data: compared with the logits found here"
    command.add_argument("--logits", type=Path, metavar="F.h5", help=words)
    command.add_argument("-o", dest="output", type=Path, required=True, metavar="F.h5")
    command.add_argument("--seed", type=int, default=0, help="of start, batches and dropout")
    words = "(default: as in net.h5; 0: the logits alone)"
    command.add_argument("--epochs", type=int, metavar="N", help=words)
    command.add_argument("--threads", type=positive, default=1, metavar="N", help="(default 1)")


def add_recipe(command: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    command.add_argument("-o", dest="output", type=Path, required=True, metavar="F.h5")
    command.add_argument("--seed", type=int, default=0, help="of start, batches and dropout")
    command.add_argument("--epochs", type=positive, default=8, metavar="N", help="(default 8)")
    command.add_argument("--batch", type=positive, default=120, metavar="N", help="(default 120)")
    words = "Adam's, at its highest (default %(default)s)"
    command.add_argument("--rate", type=float, default=2e-3, metavar="R", help=words)
    words = "epochs over which the rate rises (default %(default)s)"
    command.add_argument("--warmup", type=float, default=0.3, metavar="E", help=words)
    command.add_argument("--label-smoothing", type=_fraction, default=0.0, metavar="S")
    command.add_argument("--weight-decay", type=float, default=0.0, metavar="W")
    command.add_argument("--threads", type=positive, default=1, metavar="N", help="(default 1)")


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not in [0, 1)")
    return value


def _cnn(options: argparse.Namespace) -> int:
    need_torch()
    data = read_data(options.data)
    picture = data.picture
    if picture is None:
        raise UserError(f"{data.path}: no picture shape (attribute shape): a CNN needs one")
    status = relaunch(options.arguments, options.threads)
    if status is not None:
        return status
    write_result(options.output, _train_cnn(data, options))
    return 0


def _train_cnn(data: Data, options: argparse.Namespace) -> Result:
    from . import cnn, train  # here and not above: only these need PyTorch

    model, samples = cnn.prepare(data, options.dropout, options.seed)
    recipe = train.recipe_of(options)
    history = train.fit(model, samples, recipe, options.seed, _progress("CNN", options.epochs))
    about = {"kind": "cnn", "weights": cnn.count_weights(model), "dropout": options.dropout}
    return Result(vars(history), {**about, **common(options)})


def _peer(options: argparse.Namespace) -> int:
    need_torch()
    network = read_network(options.network)
    data = read_data(options.data)
    if data.d != network.spec.inputs:
        raise UserError(f"{data.path}: {data.d} inputs, {network.path} takes {network.spec.inputs}")
    status = relaunch(options.arguments, options.threads)
    if status is not None:
        return status
    from . import again  # it needs PyTorch

    found = again.again(network, data, options, lambda n: _progress("PyTorch", n))
    if found.columns["test_accuracy"]:
        write_result(options.output, found)
    for name, value in found.about.items():
        print(f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}")
    return 0


def common(options: argparse.Namespace) -> dict[str, Any]:
    """What every result says of how it was made."""
    names = ("seed", "epochs", "batch", "rate", "warmup", "label_smoothing", "weight_decay", "threads")
    return {"data": str(options.data), **{name: getattr(options, name) for name in names}}


def _progress(what: str, epochs: int) -> Callable[[dict[str, list[float]]], None]:
    """A line after each epoch, with the time left."""

    def say(columns: dict[str, list[float]]) -> None:
        done, seconds = len(columns["seconds"]), columns["seconds"][-1]
        left = seconds / done * (epochs - done)
        print(
            f"weftpost: {what}: epoch {done}/{epochs}, loss {columns['train_loss'][-1]:.4f},"
            f" test accuracy {columns['test_accuracy'][-1]:.4f}, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )

    return say
