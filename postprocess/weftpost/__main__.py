"""Command line: python3 -m weftpost COMMAND run.h5 [-o DIR]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from matplotlib.figure import Figure

from . import report
from .errors import UserError
from .figures import atoms, fields, history, style
from .measure import measure
from .runfile import Run, read_run

FIGURES: dict[str, Callable[[Run, int], Figure]] = {
    "atoms": atoms.draw,
    "fields": fields.draw,
    "history": lambda run, most: history.draw(run),
}
HELP = {
    "atoms": "picture of the atoms by group, most used first",
    "fields": "receptive fields: connectivity of each group, where they lie, how large they are",
    "history": "objective, activity, density and gaps over the iterations",
    "all": "the three figures",
    "measure": "locality, pooling, width, density and gaps, as numbers",
}
USER_MISTAKE = 2


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"weftpost: error: {message}; see --help\n")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        run = read_run(options.run)
        for note in run.notes:
            print(f"weftpost: note: {run.path}: {note}", file=sys.stderr)
        if options.command == "measure":
            _print_measures(run, options)
        else:
            _write_figures(run, options)
    except UserError as error:
        print(f"weftpost: error: {error}", file=sys.stderr)
        return USER_MISTAKE
    return 0


def _parser() -> Parser:
    parser = Parser(prog="weftpost", description="Figures and numbers from a Weft run file.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words in HELP.items():
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("run", type=Path, metavar="run.h5", help="run file or checkpoint")
        if name == "measure":
            command.add_argument("--json", action="store_true", help="one JSON object")
            command.add_argument("--seed", type=_natural, default=0, help="of the permutation")
            continue
        words = "where to write (default: beside the run file)"
        command.add_argument("-o", dest="directory", type=Path, metavar="DIR", help=words)
        if name != "history":
            words = "show at most N groups (default 64)"
            command.add_argument("--groups", type=_positive, default=64, metavar="N", help=words)
    return parser


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def _print_measures(run: Run, options: argparse.Namespace) -> None:
    figures = measure(run, options.seed)
    print(report.as_json(figures) if options.json else report.as_text(figures))


def _write_figures(run: Run, options: argparse.Namespace) -> None:
    style.apply()
    names = list(FIGURES) if options.command == "all" else [options.command]
    directory = options.directory or run.path.parent
    # All are drawn before any is written: a file that cannot give one leaves no half set behind.
    figures = {name: FIGURES[name](run, getattr(options, "groups", 0)) for name in names}
    for name, figure in figures.items():
        print(_save(figure, directory, f"{run.path.stem}-{name}.png"), flush=True)


def _save(figure: Figure, directory: Path, name: str) -> Path:
    path = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=style.DPI)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


if __name__ == "__main__":
    sys.exit(main())
