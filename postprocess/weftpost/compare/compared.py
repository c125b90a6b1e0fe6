"""What differs between two run files, or between two network files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..metrics import METRICS, NETWORK_METRICS, RUN, Measured, Metric, read_metrics
from ..runfile import Run, read_run
from .agreement import Agreement, agreement

NOT_SETTINGS = ("o", "options_file")  # options that are of the file and not of what was done
NOT_TOLD = ("created", "structure")  # attributes that always differ, or are told as an option


@dataclass(frozen=True)
class Compared:
    a: Measured
    b: Measured
    names: tuple[str, str]  # short, and not the same
    options: dict[str, tuple[str, str]]  # those that differ; empty text: the file does not have it
    made: dict[str, tuple[str, str]]  # attributes that differ
    runs: tuple[Run, Run] | None  # None: networks
    matches: tuple[Agreement, Agreement] | None  # a in b, b in a; None: other inputs, or networks

    def metrics(self) -> dict[str, Metric]:
        of_training = ("test_accuracy", "weights", "train_seconds")
        if self.a.kind != RUN:
            return NETWORK_METRICS
        return {name: metric for name, metric in METRICS.items() if name not in of_training}


def compare(first: Path, second: Path) -> Compared:
    a, b = read_metrics(first), read_metrics(second)
    if a.kind != b.kind:
        raise UserError(f"{second}: a {b.kind} file, and {first} a {a.kind} file: give two alike")
    runs = (read_run(first), read_run(second)) if a.kind == RUN else None
    return Compared(
        a=a,
        b=b,
        names=short_names(first, second),
        options=_differences(a.options, b.options, NOT_SETTINGS),
        made=_differences(a.made, b.made, NOT_TOLD),
        runs=runs,
        matches=_matches(runs) if runs else None,
    )


def short_names(first: Path, second: Path) -> tuple[str, str]:
    """The names of the files, or of folders that they lie in where these tell them apart."""
    a, b = first.resolve(), second.resolve()
    if a.stem != b.stem or a == b:
        return a.stem, b.stem
    while a.parent.name == b.parent.name and a.parent != b.parent:
        a, b = a.parent, b.parent
    return a.parent.name, b.parent.name


def _differences(
    a: dict[str, str], b: dict[str, str], without: tuple[str, ...]
) -> dict[str, tuple[str, str]]:
    pairs = {name: (a.get(name, ""), b.get(name, "")) for name in (*a, *b) if name not in without}
    return {name: pair for name, pair in pairs.items() if not _same(*pair)}


def _same(a: str, b: str) -> bool:
    """Numbers as numbers: 1e-3 is 0.001."""
    try:
        return a == b or float(a) == float(b)
    except ValueError:
        return False


def _matches(runs: tuple[Run, Run]) -> tuple[Agreement, Agreement] | None:
    a, b = (run.layer for run in runs)
    return (agreement(a, b), agreement(b, a)) if a.d == b.d else None
