"""The command `sweep`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UserError
from ..figures import style, sweep_parallel, sweep_response
from ..metrics import METRICS
from ..output import put, save_figure, write_text
from .best import ACCURACY, BITS
from .collect import Sweep, read_sweep
from .manifest import MANIFEST
from .table import as_csv, write_hdf5
from .words import summary

SWEEP_HELP = "a sweep as one table, in CSV and HDF5, with the best points and two pictures"


def add_sweep(command: argparse.ArgumentParser) -> None:
    command.set_defaults(act=_sweep)
    command.add_argument("directory", type=Path, metavar="DIR", help=f"of a sweep, with {MANIFEST}")
    words = "where to write (default: DIR)"
    command.add_argument("-o", dest="output", type=Path, metavar="DIR", help=words)
    words = f"what points are listed and drawn by: {', '.join(METRICS)} (default {BITS})"
    command.add_argument("--by", metavar="METRIC", choices=tuple(METRICS), help=words)


def _sweep(options: argparse.Namespace) -> None:
    sweep = read_sweep(options.directory)
    by = _by(sweep, options.by)
    directory = options.output or options.directory
    # Written before it is told: a pipe that closes after the first lines must not cost the files.
    written = [
        write_text(as_csv(sweep), directory / "sweep.csv"),
        put(directory / "sweep.h5", lambda path: write_hdf5(path, sweep)),
        *_pictures(sweep, by, directory),
    ]
    print(summary(sweep, by), *written, sep="\n")


def _pictures(sweep: Sweep, by: str, directory: Path) -> list[Path]:
    if not sweep.known(by):
        return []  # nothing is done yet: a table, and nothing to draw
    style.apply()
    drawn = {"parallel": sweep_parallel.draw(sweep, by)}
    if sweep.varied:
        drawn["response"] = sweep_response.draw(sweep, by)
    return [save_figure(f, directory / f"sweep-{name}.png") for name, f in drawn.items()]


def _by(sweep: Sweep, asked: str | None) -> str:
    """What is asked for has to be there; else bits, or accuracy where no bits are known."""
    if asked is None:
        return ACCURACY if sweep.known(ACCURACY) and not sweep.known(BITS) else BITS
    if sweep.finished() and not sweep.known(asked):
        raise UserError(f"--by {asked}: no finished point of {sweep.directory} has it")
    return asked
