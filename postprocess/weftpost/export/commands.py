"""The command `export`."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import UserError
from ..output import put, write_text
from .described import Described, Responding, describe

EXPORT_HELP = "the network of a run or network file for PyTorch and ONNX"
FORMATS = {"torch": ("torch",), "onnx": ("onnx",), "both": ("torch", "onnx")}
PACKAGES = {"torch": ("PyTorch", "python3-torch"), "onnx": ("onnx", "python3-onnx")}


def add_export(command: argparse.ArgumentParser, natural: Callable[[str], int]) -> None:
    command.set_defaults(act=_export)
    words = "what weft learn or weft train wrote, finished"
    command.add_argument("file", type=Path, metavar="FILE", help=words)
    words = "directory, or path without ending, to write to (default: beside FILE, by its name)"
    command.add_argument("-o", dest="output", metavar="DIR|PREFIX", help=words)
    words = "of a run file: the layer whose responses are wanted, from 0 (default: the last)"
    command.add_argument("--layer", type=natural, metavar="L", help=words)
    words = "in ONNX, make the responses of the layers before outputs too"
    command.add_argument("--all-layers", action="store_true", help=words)
    words = "torch: PREFIX_torch.py and .pt; onnx: PREFIX.onnx (default: both)"
    command.add_argument("--format", choices=list(FORMATS), default="both", help=words)
    words = "of a network file with a linear readout: its run file, if not where it says"
    command.add_argument("--structure", type=Path, metavar="run.h5", help=words)


def _export(options: argparse.Namespace) -> None:
    formats = FORMATS[options.format]
    for name in formats:
        _need(name, options.format)
    described = describe(options.file, options.layer, options.structure)
    if options.all_layers and not isinstance(described.network, Responding):
        raise UserError(f"--all-layers: is for a run file; {options.file} is a network file")
    for note in described.notes:
        print(f"weftpost: note: {options.file}: {note}", file=sys.stderr)
    prefix = _prefix(options)
    if "torch" in formats:
        for path in _write_torch(described, prefix):
            print(path, flush=True)
    if "onnx" in formats:
        print(_write_onnx(described, prefix, options.all_layers), flush=True)


def _need(name: str, asked: str) -> None:
    if importlib.util.find_spec(name):
        return
    package, debian = PACKAGES[name]
    others = " ".join(f"--format {other}" for other in PACKAGES if other != name)
    instead = f", or give {others}" if asked == "both" else ""
    where = f"(Debian: {debian}, for /usr/bin/python3)"
    raise UserError(f"this Python has no {package} {where}: install it{instead}")


def _prefix(options: argparse.Namespace) -> Path:
    if options.output is None:
        return Path(options.file.with_suffix(""))
    path = Path(options.output)
    if path.is_dir() or options.output.endswith("/"):
        return path / options.file.stem
    return path


def _write_torch(described: Described, prefix: Path) -> Iterator[Path]:
    from . import torchfile  # here and not above: only it needs PyTorch

    # A name that Python can import.
    name = re.sub(r"\W", "_", f"{prefix.name}_torch", flags=re.ASCII)
    name = f"_{name}" if name[0].isdigit() else name
    module, state = (prefix.with_name(f"{name}.{ending}") for ending in ("py", "pt"))
    yield write_text(torchfile.module_text(described, state.name), module)
    yield put(state, lambda path: torchfile.write_state(described, path))


def _write_onnx(described: Described, prefix: Path, all_layers: bool) -> Path:
    from . import onnxfile  # here and not above: only it needs onnx

    path = prefix.with_name(f"{prefix.name}.onnx")
    return put(path, lambda place: onnxfile.write_onnx(described, place, all_layers))
