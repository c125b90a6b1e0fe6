"""Command line: python3 -m weftpost COMMAND run.h5 [-o DIR], or bench coder.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from matplotlib.figure import Figure

from . import report
from .bench import table, turns
from .bench.result import read_bench
from .claims import report as claims
from .claims import table as claims_table
from .compare import commands as comparisons
from .errors import UserError
from .export import commands as exports
from .figures import atoms, depth, fields, history, rates, style
from .html import commands as pages
from .measure import measure
from .output import put, save_figure, write_text
from .peer import commands as networks
from .pools_command import POOLS_HELP, add_pools
from .runfile import Run, read_run
from .sweep import commands as sweeps

FIGURES: dict[str, Callable[[Run, int], Figure]] = {
    "atoms": atoms.draw,
    "fields": fields.draw,
    "history": lambda run, most: history.draw(run),
    "depth": lambda run, most: depth.draw(run),
}
HELP = {
    "atoms": "picture of the atoms by group, most used first",
    "fields": "receptive fields: connectivity of each group, where they lie, how large they are",
    "history": "objective, activity, density and gaps over the iterations",
    "depth": "information and entropy of the outputs by layer, with what each layer adds",
    "all": "the figures; depth where the file has the information",
    "measure": "locality, pooling, width, density and gaps, as numbers",
}
BENCH_HELP = "weft bench coder beside scikit-learn on the same problem, in turn: table and picture"
CLAIMS_HELP = "what jobs/claims.sh made, as one table and its pictures"
USER_MISTAKE = 2


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"weftpost: error: {message}; see --help\n")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return options.act(options) or 0
    except UserError as error:
        print(f"weftpost: error: {error}", file=sys.stderr)
        return USER_MISTAKE


def _run_command(options: argparse.Namespace) -> None:
    run = read_run(options.run)
    for note in run.notes:
        print(f"weftpost: note: {run.path}: {note}", file=sys.stderr)
    if options.command == "measure":
        _print_measures(run, options)
    else:
        _write_figures(run, options)


def _parser() -> Parser:
    parser = Parser(prog="weftpost", description="Figures and numbers from what Weft wrote.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words in HELP.items():
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(act=_run_command)
        command.add_argument("run", type=Path, metavar="run.h5", help="run file or checkpoint")
        if name == "measure":
            command.add_argument("--json", action="store_true", help="one JSON object")
            command.add_argument("--seed", type=_natural, default=0, help="of the permutation")
            continue
        words = "where to write (default: beside the run file)"
        command.add_argument("-o", dest="directory", type=Path, metavar="DIR", help=words)
        if name not in ("history", "depth"):
            words = "show at most N groups (default 64)"
            command.add_argument("--groups", type=_positive, default=64, metavar="N", help=words)
    _add_bench(commands.add_parser("bench", help=BENCH_HELP, description=BENCH_HELP))
    _add_claims(commands.add_parser("claims", help=CLAIMS_HELP, description=CLAIMS_HELP))
    words = networks.CNN_HELP
    networks.add_cnn(commands.add_parser("cnn", help=words, description=words), _positive)
    words = networks.PEER_HELP
    networks.add_peer(commands.add_parser("peer", help=words, description=words), _positive)
    words = pages.REPORT_HELP
    pages.add_report(commands.add_parser("report", help=words, description=words))
    command = commands.add_parser("pools", help=POOLS_HELP, description=POOLS_HELP)
    add_pools(command, _natural, _positive)
    words = comparisons.COMPARE_HELP
    comparisons.add_compare(commands.add_parser("compare", help=words, description=words))
    words = sweeps.SWEEP_HELP
    sweeps.add_sweep(commands.add_parser("sweep", help=words, description=words))
    words = exports.EXPORT_HELP
    exports.add_export(commands.add_parser("export", help=words, description=words), _natural)
    return parser


def _add_bench(command: argparse.ArgumentParser) -> None:
    command.set_defaults(act=_compare)
    words = "what weft bench coder -problem problem.h5 -json F wrote"
    command.add_argument("result", type=Path, metavar="coder.json", help=words)
    words = "samples, dictionary, weight and optima of that run"
    command.add_argument("--problem", type=Path, required=True, metavar="problem.h5", help=words)
    words = "the program, to measure it in turn with scikit-learn (default: as coder.json says)"
    command.add_argument("--weft", type=Path, metavar="PROGRAM", help=words)
    words = "turns; median and range are told (default 3)"
    command.add_argument("--repeats", type=_positive, default=3, metavar="N", help=words)
    words = "where to write (default: beside coder.json)"
    command.add_argument("-o", dest="directory", type=Path, metavar="DIR", help=words)


def _add_claims(command: argparse.ArgumentParser) -> None:
    command.set_defaults(act=_claims)
    command.add_argument("directory", type=Path, metavar="DIR", help="that jobs/claims.sh filled")
    words = "where to write (default: DIR)"
    command.add_argument("-o", dest="output", type=Path, metavar="DIR", help=words)


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
    known = [name for name in FIGURES if name != "depth" or run.information is not None]
    names = known if options.command == "all" else [options.command]
    directory = options.directory or run.path.parent
    # All are drawn before any is written: a file that cannot give one leaves no half set behind.
    figures = {name: FIGURES[name](run, getattr(options, "groups", 0)) for name in names}
    for name, figure in figures.items():
        print(save_figure(figure, directory / f"{run.path.stem}-{name}.png"), flush=True)


def _compare(options: argparse.Namespace) -> None:
    bench = read_bench(options.result)
    found = turns.compare(bench, options.problem, options.weft, options.repeats, _progress)
    style.apply()
    directory, name = options.directory or options.result.parent, f"{options.result.stem}-compared"
    print(table.as_text(found), end="\n\n", flush=True)
    print(write_text(table.as_markdown(found), directory / f"{name}.md"))
    print(write_text(turns.as_json(found) + "\n", directory / f"{name}.json"))
    print(save_figure(rates.draw(found), directory / f"{name}.png"))


def _claims(options: argparse.Namespace) -> None:
    found = claims.report(options.directory)
    directory = options.output or options.directory
    style.apply()
    text = claims_table.as_markdown(found.rows, found.missing)
    print(text, flush=True)
    print(write_text(text + "\n", directory / "claims.md"))
    print(write_text(claims_table.as_csv(found.rows), directory / "claims.csv"))
    print(put(directory / "claims.h5", lambda path: claims_table.write_hdf5(path, found.rows)))
    for name, draw in found.figures.items():
        print(save_figure(draw(), directory / f"claims-{name}.png"), flush=True)


def _progress(words: str) -> None:
    print(f"weftpost: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
