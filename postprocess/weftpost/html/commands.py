"""`weftpost report`: one HTML file of a run, a network or a sweep."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UserError
from ..figures import style
from ..metrics import NETWORK, read_metrics
from ..output import write_text
from ..sweep.manifest import MANIFEST
from . import network, run, sweep
from .options import Defaults, read_defaults
from .page import Page, render

REPORT_HELP = "one HTML file of a run, a network or a sweep, that needs nothing else"


def add_report(command: argparse.ArgumentParser) -> None:
    command.set_defaults(act=_report)
    words = "run file, network file, or directory of a sweep"
    command.add_argument("path", type=Path, metavar="run.h5|net.h5|DIR", help=words)
    words = "where to write (default: beside the file, RUN-report.html; DIR/sweep.html)"
    command.add_argument("-o", dest="output", type=Path, metavar="F.html", help=words)
    words = "what weft -help -json printed: marks the options that differ from their defaults"
    command.add_argument("--defaults", type=Path, metavar="help.json", help=words)


def _report(options: argparse.Namespace) -> None:
    path: Path = options.path
    style.apply()
    page = _sweep(path) if path.is_dir() else _file(path, options.defaults)
    default = path / "sweep.html" if path.is_dir() else path.with_name(f"{path.stem}-report.html")
    print(write_text(render(page), options.output or default))


def _file(path: Path, given: Path | None) -> Page:
    trained = read_metrics(path).kind == NETWORK
    defaults: Defaults = read_defaults(given, "train" if trained else "learn") if given else {}
    return network.page(path, defaults) if trained else run.page(path, defaults)


def _sweep(path: Path) -> Page:
    if not (path / MANIFEST).exists():
        raise UserError(
            f"{path}: no {MANIFEST} in it; give the directory of a sweep, or a run or network file"
        )
    return sweep.page(path)
