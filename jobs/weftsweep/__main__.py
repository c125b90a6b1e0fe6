"""Command line of jobs/sweep.sh, which says where the program and the packages are."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import IO, NoReturn

from . import status, table
from .check import check_points
from .collect import collect
from .errors import SweepError, command
from .grid import read_grid
from .local import FAILED, STOPPED, Local, launcher, lock
from .manifest import Point, read_points, write_manifest
from .options import SECTIONS, read_verb
from .plan import Plan, done_before_data, dropped, make_plan
from .submit import Slurm, Wishes, array_size, available, refuse_queued

USER_MISTAKE = 2
MOST = 1000


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"sweep: error: {message}; see {command()} --help\n")


def parser() -> Parser:
    made = Parser(prog="sweep", add_help=False, allow_abbrev=False)
    made.add_argument("grid", type=Path, nargs="?", metavar="GRID.yaml")
    made.add_argument("-data", "--data", type=Path)
    made.add_argument("-o", dest="sweep", type=Path)
    made.add_argument("--dry-run", action="store_true")
    made.add_argument("--local", action="store_true")
    made.add_argument("--parallel", type=positive)
    made.add_argument("--ranks", type=positive, default=1)
    made.add_argument("--per-task", type=positive, default=1)
    made.add_argument("--at-once", type=positive)
    made.add_argument("--memory", default="")
    made.add_argument("--time", default="")
    made.add_argument("--most", type=positive, default=MOST)
    made.add_argument("--status", type=Path, metavar="DIR")
    return made


def positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    try:
        return tell_status(options.status) if options.status else sweep(options)
    except SweepError as error:
        print(f"sweep: error: {error}", file=sys.stderr)
        return USER_MISTAKE
    except OSError as error:
        print(f"sweep: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsweep: interrupted; run it again", file=sys.stderr)
        return STOPPED


def quiet_pipe() -> None:
    """Where all that is done is to print, `| head` is no fault."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def tell_status(directory: Path) -> int:
    quiet_pipe()
    print("\n".join(status.summary(directory, read_points(directory))))
    return 0


def sweep(options: argparse.Namespace) -> int:
    weft = os.environ.get("WEFT", "weft")
    check_arguments(options)
    verbs = {name: read_verb(weft, name) for name in SECTIONS}
    grid = read_grid(options.grid, verbs)
    plan = make_plan(grid, options.data, options.sweep.absolute(), options.most)
    todo = plan.to_run()
    local = options.local or not available()
    if not options.dry_run:
        refuse_queued(plan.sweep, local)
    cores = len(os.sched_getaffinity(0))
    check_points(weft, todo, {name: verbs[name] for name in grid.verbs}, cores)
    slurm = None if local else Slurm(plan.sweep, wishes(options), array_size())
    if options.dry_run:
        words = slurm.launcher() if slurm else launcher(options.ranks)
        return dry_run(plan, todo, [*words, weft], slurm)
    plan.sweep.mkdir(parents=True, exist_ok=True)
    with lock(plan.sweep) as held:
        refuse_queued(plan.sweep, local)  # once more: the checks took a while
        begin(plan, len(todo))
        if slurm and todo:
            for line in slurm.submit(todo):
                print(line, flush=True)
            return 0
        parallel = options.parallel or max(1, cores // options.ranks)
        return run_here(plan, Local(plan.sweep, todo, parallel, options.ranks), held)


def wishes(options: argparse.Namespace) -> Wishes:
    return Wishes(options.ranks, options.per_task, options.at_once, options.memory, options.time)


def check_arguments(options: argparse.Namespace) -> None:
    needed = {"GRID.yaml": options.grid, "-data F.h5": options.data, "-o DIR": options.sweep}
    for name, value in needed.items():
        if value is None:
            raise SweepError(f"{name} is needed; see {command()} --help")
    for path in (options.grid, options.data, options.sweep):
        try:
            str(path.absolute()).encode()
        except UnicodeEncodeError:
            raise SweepError(f"{ascii(str(path))}: not a name in UTF-8; give it another") from None
    if not options.data.is_file():
        raise SweepError(f"-data {options.data}: no such file; weft import makes one")


def dry_run(plan: Plan, todo: list[Point], words: list[str], slurm: Slurm | None) -> int:
    quiet_pipe()
    print("\n".join(table.point_table(plan.sweep, plan.points)), end="\n\n")
    print("\n".join(table.commands(plan.sweep, todo, words)), end="\n\n" if todo else "")
    if slurm:
        print("\n".join(slurm.show(todo)), end="\n\n")
    print(f"{len(plan.points)} points, {len(todo)} to run; nothing was written")
    return 0


def begin(plan: Plan, left: int) -> None:
    lost = dropped(plan)
    if lost:
        words = f"{lost} points of before are not in this grid; their folders stay"
        print(f"sweep: note: {plan.sweep}: {words}", file=sys.stderr)
    old = done_before_data(plan)
    if old:
        words = f"newer than {old} points that are done; if other data: take another folder"
        print(f"sweep: note: -data {plan.data}: {words}", file=sys.stderr)
    write_manifest(plan.sweep, plan.about, list(plan.points))
    print(f"{plan.sweep}: {len(plan.points)} points, {left} to run", flush=True)


def run_here(plan: Plan, points: Local, held: IO[bytes]) -> int:
    code = points.run(held) if points.points else 0
    if code == STOPPED:
        print("stopped; run it again, and it goes on from here", flush=True)
    elif collect(str(plan.sweep)):
        code = FAILED
    print("\n".join(status.summary(plan.sweep, plan.points)))
    if code == FAILED and any(status.state(plan.sweep, p) == "missing" for p in plan.points):
        print(f"why points did not start: {plan.sweep / 'log.txt'}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
