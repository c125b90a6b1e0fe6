"""The command `pools`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from .figures import pools, pools_deep, style
from .output import save_figure
from .runfile import read_run

POOLS_HELP = "what is pooled: atoms of a group by phase, how alike; what feeds further layers"


def add_pools(
    command: argparse.ArgumentParser,
    natural: Callable[[str], int],
    positive: Callable[[str], int],
) -> None:
    command.set_defaults(act=_pools)
    command.add_argument("run", type=Path, metavar="run.h5", help="run file or checkpoint")
    words = "which layer, counted from 0 (default 0)"
    command.add_argument("--layer", type=natural, default=0, metavar="L", help=words)
    words = "where to write (default: beside the run file)"
    command.add_argument("-o", dest="directory", type=Path, metavar="DIR", help=words)
    words = "show at most N groups (default 24)"
    command.add_argument("--groups", type=positive, default=24, metavar="N", help=words)


def _pools(options: argparse.Namespace) -> None:
    run = read_run(options.run, options.layer)
    for note in run.notes:
        print(f"weftpost: note: {run.path}: {note}", file=sys.stderr)
    style.apply()
    draw = pools_deep.draw if run.index else pools.draw
    name = f"{run.path.stem}-pools{f'-layer{run.index}' if run.index else ''}.png"
    directory = options.directory or run.path.parent
    print(save_figure(draw(run, options.groups), directory / name), flush=True)
