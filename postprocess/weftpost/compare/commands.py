"""The command `compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..figures import compare as of_runs
from ..figures import compare_networks as of_networks
from ..figures import style
from ..output import save_figure
from .compared import Compared, compare
from .words import as_json, as_text

COMPARE_HELP = "two run files, or two network files: what differs in options and figures; a picture"
LONGEST = 80  # characters of a name in that of the picture


def add_compare(command: argparse.ArgumentParser) -> None:
    command.set_defaults(act=_compare)
    command.add_argument("a", type=Path, metavar="A", help="run file or network file")
    command.add_argument("b", type=Path, metavar="B", help="another of the same kind")
    words = "where to write (default: beside A)"
    command.add_argument("-o", dest="directory", type=Path, metavar="DIR", help=words)
    command.add_argument("--json", action="store_true", help="one JSON object")


def _compare(options: argparse.Namespace) -> None:
    found = compare(options.a, options.b)
    style.apply()
    draw = of_runs.draw if found.runs else of_networks.draw
    directory = options.directory or options.a.parent
    path = save_figure(draw(found), directory / _name(found))
    print(as_json(found) if options.json else f"{as_text(found)}\n{path}")


def _name(found: Compared) -> str:
    a, b = (name[:LONGEST] for name in found.names)
    return f"{a}-vs-{b}.png"
